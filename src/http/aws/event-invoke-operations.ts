import type { LambdaEventTerms } from '../../domain/functions/lambda-settings.ts'
import type { RetryOptions } from '../../domain/runs/retries.ts'
import { type AwsAnswer, type AwsCall, objectIn, param } from './aws-call.ts'
import { invalidParameter, missing } from './aws-error.ts'
import type { Catalogue, NamedFunction } from './catalogue.ts'
import { numberOf, objectOf } from './function-fields.ts'
import { arnOf, current, ownOf } from './names.ts'
import { pageOf } from './pages.ts'

const minuteMs = 60_000
/** Pauses of AWS Lambda: one minute before the first retry, two before the second. */
const pauses = { firstPauseMs: minuteMs, factor: 2 }

/** `EventInvokeConfig`: how often and how long calls of type Event are retried, for the function, a version or an alias. */
export class EventInvokeOperations {
  #catalogue: Catalogue
  #now: () => number

  constructor(catalogue: Catalogue, now: () => number) {
    this.#catalogue = catalogue
    this.#now = now
  }

  put = (call: AwsCall): AwsAnswer => this.#set(call, this.#find(call), {})

  update = (call: AwsCall): AwsAnswer => {
    const found = this.#find(call)
    return this.#set(call, found, termsOf(call, found))
  }

  get = (call: AwsCall): AwsAnswer => {
    const found = this.#find(call)
    return { status: 200, json: shown(call, found, keyOf(found), termsOf(call, found)) }
  }

  list = (call: AwsCall): AwsAnswer => {
    const found = this.#catalogue.findWhole(call.who, call.region, param(call))
    const { items, next } = pageOf(Object.entries(found.settings.eventInvoke ?? {}), call.query)
    const configs = items.map(([key, terms]) => shown(call, found, key, terms))
    return { status: 200, json: { FunctionEventInvokeConfigs: configs, ...next } }
  }

  delete = (call: AwsCall): AwsAnswer => {
    const found = this.#find(call)
    termsOf(call, found)
    const { [keyOf(found)]: _gone, ...eventInvoke } = found.settings.eventInvoke ?? {}
    this.#catalogue.change(found, { eventInvoke })
    return { status: 204 }
  }

  #find(call: AwsCall): NamedFunction {
    return this.#catalogue.find(call.who, call.region, param(call), call.query.get('Qualifier'))
  }

  #set(call: AwsCall, found: NamedFunction, before: Partial<LambdaEventTerms>): AwsAnswer {
    const given = objectIn(call.body)
    refuseDestinations(given.DestinationConfig)
    const retries = within('MaximumRetryAttempts', given.MaximumRetryAttempts, 0, 2)
    const maxAgeSeconds = within('MaximumEventAgeInSeconds', given.MaximumEventAgeInSeconds, 60, 21_600)
    const terms: LambdaEventTerms = {
      ...before,
      ...(retries !== undefined && { retries }),
      ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
      updatedAt: this.#now(),
    }
    this.#catalogue.change(found, { eventInvoke: { ...found.settings.eventInvoke, [keyOf(found)]: terms } })
    return { status: 200, json: shown(call, found, keyOf(found), terms) }
  }
}

/** Retries of a call of type Event; undefined: the function's own, or the platform's. */
export function eventRetriesOf({ settings, qualifier }: NamedFunction): RetryOptions | undefined {
  const terms = ownOf(settings.eventInvoke ?? {}, qualifier ?? current)
  if (terms === undefined) return undefined
  const { retries, maxAgeSeconds } = terms
  return {
    ...(retries !== undefined && { maxAttempts: retries + 1, on: ['error', 'failed', 'timeout'], ...pauses }),
    ...(maxAgeSeconds !== undefined && { maxAgeMs: maxAgeSeconds * 1000 }),
  }
}

const keyOf = ({ qualifier }: NamedFunction): string => qualifier ?? current

function termsOf({ region }: AwsCall, found: NamedFunction): LambdaEventTerms {
  const terms = ownOf(found.settings.eventInvoke ?? {}, keyOf(found))
  if (terms !== undefined) return terms
  const arn = arnOf(region, found.fn.name ?? found.fn.id, keyOf(found))
  throw missing(`The function ${arn} doesn't have an EventInvokeConfig`)
}

function shown({ region }: AwsCall, { fn }: NamedFunction, key: string, terms: LambdaEventTerms): object {
  const { retries, maxAgeSeconds, updatedAt } = terms
  return {
    LastModified: updatedAt / 1000,
    FunctionArn: arnOf(region, fn.name ?? fn.id, key),
    ...(retries !== undefined && { MaximumRetryAttempts: retries }),
    ...(maxAgeSeconds !== undefined && { MaximumEventAgeInSeconds: maxAgeSeconds }),
    DestinationConfig: { OnSuccess: {}, OnFailure: {} },
  }
}

function within(name: string, given: unknown, least: number, most: number): number | undefined {
  if (given === undefined || given === null) return undefined
  const value = numberOf(name, given)
  if (value >= least && value <= most) return value
  throw invalidParameter(`${name} is ${value}: it must be from ${least} to ${most}.`)
}

/** Queues, topics and buses of AWS are not here, and a record without its destination would be lost silently. */
function refuseDestinations(given: unknown): void {
  const sides = Object.values(objectOf('DestinationConfig', given ?? {}))
  if (sides.every((side) => Object.keys(objectOf('DestinationConfig', side ?? {})).length === 0)) return
  throw invalidParameter(
    'DestinationConfig is not supported here: set on_success and on_failure of the function in its place (taibai deploy).',
  )
}
