import { invalid } from '../errors.ts'
import type { Principal } from '../platform/principal.ts'
import { cronOfNcrontab } from '../triggers/ncrontab.ts'
import type { Fn } from './function.ts'

/** One of the functions of an app, reported by its package when it is loaded. */
export interface AppFunction {
  name: string
  /** Type of its trigger: `httpTrigger`, `timerTrigger`, `queueTrigger` … */
  trigger: string
  /** Path below the app's own. */
  route?: string
  methods?: string[]
  auth_level?: string
  /** Schedule of a timer. */
  schedule?: string
  [more: string]: unknown
}

/** The functions of an app; of other code none. */
export const functionsOf = ({ code }: Fn): AppFunction[] => (Array.isArray(code.functions) ? code.functions : [])

/** The jobs made from the timers of an app. */
export interface AppJobs {
  /**
   * Called before anything is written. Throws FaasError `invalid_request` for a schedule that no job can have, `limit_reached`
   * when the project would exceed its limit.
   */
  check(fn: Fn, functions: AppFunction[]): void
  /** `before`: the previous app; null: it is new. Jobs of unchanged timers stay. */
  follow(who: Principal, before: Fn | null, fn: Fn): Promise<void>
  /** Ids of the jobs of an existing app. */
  idsOf(fn: Fn): Set<string>
}

/** The functions in a worker's report; undefined when the report is not a list. */
export function appFunctionsIn(told: unknown): AppFunction[] | undefined {
  if (!Array.isArray(told)) return undefined
  const isFunction = (one: unknown): one is AppFunction =>
    typeof one === 'object' && one !== null && typeof (one as AppFunction).name === 'string' && 'trigger' in one
  return told.filter(isFunction).slice(0, mostFunctions)
}

const mostFunctions = 1000
/** Limit of the list as JSON, because it is stored and shown with the function. */
const mostCharacters = 256 * 1024

/** Throws FaasError `invalid_request` for a list over the limit. */
export function refuseLongList(functions: AppFunction[]): void {
  const { length } = JSON.stringify(functions)
  if (length > mostCharacters) {
    throw invalid(
      `The app describes its functions in ${length} characters of JSON; at most ${mostCharacters} are allowed: divide it into several apps.`,
    )
  }
}

/** The timers of an app with their cron patterns. Throws FaasError `invalid_request` for an invalid schedule. */
export function timersIn(functions: AppFunction[]): { name: string; pattern: string; input: string }[] {
  return functions
    .filter(({ trigger, schedule }) => /^timerTrigger$/i.test(trigger) && typeof schedule === 'string')
    .map(({ name, schedule }) => ({ name, pattern: cronOfNcrontab(String(schedule), name), input: inputFor(name) }))
}

/** The input that selects one function of an app. */
export const inputFor = (name: string): string => JSON.stringify({ target: name })
