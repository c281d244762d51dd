import { invalid } from './errors.ts'
import type { Fn } from './function.ts'
import { cronOf } from './ncrontab.ts'
import type { Principal } from './principal.ts'

/** One of the functions of an app, as its package tells of it when it is loaded. */
export interface AppFunction {
  name: string
  /** Type of its trigger: `httpTrigger`, `timerTrigger`, `queueTrigger` … */
  trigger: string
  /** Path below the app. */
  route?: string
  methods?: string[]
  auth_level?: string
  /** Of a timer. */
  schedule?: string
  [more: string]: unknown
}

/** The jobs that are made of the timers of an app. */
export interface AppJobs {
  /** Before anything is written. Throws FaasError `invalid_request` for a schedule that no job can have, `limit_reached` for more than the project may have. */
  check(fn: Fn, functions: AppFunction[]): void
  /** `before`: the app as it was; null: it is new. Jobs of timers that have not changed stay as they are. */
  follow(who: Principal, before: Fn | null, fn: Fn): Promise<void>
  /** Of an app that is there. */
  idsOf(fn: Fn): Set<string>
}

/** What a worker told, as far as it makes sense. */
export function appFunctionsIn(told: unknown): AppFunction[] | undefined {
  if (!Array.isArray(told)) return undefined
  const isFunction = (one: unknown): one is AppFunction =>
    typeof one === 'object' && one !== null && typeof (one as AppFunction).name === 'string' && 'trigger' in one
  return told.filter(isFunction).slice(0, mostFunctions)
}

const mostFunctions = 1000
/** As JSON: it is kept with the function, and shown wherever that is. */
const mostCharacters = 256 * 1024

/** Throws FaasError `invalid_request` for more than is kept. */
export function refuseLongList(functions: AppFunction[]): void {
  const { length } = JSON.stringify(functions)
  if (length > mostCharacters) {
    throw invalid(
      `The app tells of its functions in ${length} characters of JSON; at most ${mostCharacters} are kept: divide it into several.`,
    )
  }
}

/** The timers of an app with their patterns. Throws FaasError `invalid_request` for a schedule that is none. */
export function timersIn(functions: AppFunction[]): { name: string; pattern: string; input: string }[] {
  return functions
    .filter(({ trigger, schedule }) => /^timerTrigger$/i.test(trigger) && typeof schedule === 'string')
    .map(({ name, schedule }) => ({ name, pattern: cronOf(String(schedule), name), input: inputFor(name) }))
}

/** The input that calls one function of an app. */
export const inputFor = (name: string): string => JSON.stringify({ target: name })
