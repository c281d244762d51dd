import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { type RetryOptions, retryCauses } from '../../domain/runs/retries.ts'
import { type Destination, maxDelayMs, maxPriority, queueNamePattern, queueTtl } from '../../domain/runs/run-options.ts'
import { timeFromText } from '../../domain/time-text.ts'
import { type Field, field, toInteger } from '../fields.ts'

/** Fields about a run's retries, delay and destinations. Times are in seconds. */

const longestSeconds = maxDelayMs / 1000
const seconds = z.number().min(0).max(longestSeconds)

const retriesShape = z.strictObject({
  max_attempts: z.int().min(1).max(1000).optional(),
  max_age: seconds.min(1).optional(),
  on: z.array(z.enum(retryCauses)).max(retryCauses.length).optional(),
  backoff: z
    .strictObject({
      first: seconds.min(0.01).optional(),
      factor: z.number().min(1).max(100).optional(),
      longest: seconds.min(0.01).optional(),
    })
    .optional(),
})

const retriesAbout =
  '{"max_attempts", "max_age" in seconds, "on": of "error", "failed" and "timeout", "backoff": {"first", "factor", "longest"} in seconds}'

export const retries = (about: string): Field<RetryOptions> =>
  field({ type: ['object', 'null'], description: `${about} ${retriesAbout}.` }, (value) => {
    const parsed = retriesShape.safeParse(objectOf(value))
    if (!parsed.success) throw invalid(`must be ${retriesAbout}${whereOf(parsed.error)}.`)
    const { max_attempts, max_age, on, backoff = {} } = parsed.data
    return definedOf({
      maxAttempts: max_attempts,
      maxAgeMs: inMs(max_age),
      on,
      firstPauseMs: inMs(backoff.first),
      factor: backoff.factor,
      longestPauseMs: inMs(backoff.longest),
    })
  })

const longestUrl = 2000
const functionNames = /^[A-Za-z0-9_-]+(?:@[^@:]+|:\d{1,9})?$/
const destinationAbout =
  '{"function": a name or id}, {"url": of http or https} or {"queue": of Zaqar, in the project of the function, "ttl": seconds that the message is there}'
const destinationShape = z.union([
  z.strictObject({ function: z.string().min(1).max(255) }),
  z.strictObject({ url: z.string().max(longestUrl) }),
  z.strictObject({ queue: z.string(), ttl: z.int().optional() }),
])

export const destination = (about: string): Field<Destination> =>
  field({ type: ['object', 'null'], description: `${about} ${destinationAbout}.` }, (value) => {
    const given = objectOf(value)
    const parsed = destinationShape.safeParse(given)
    if (!parsed.success && isQueue(given)) throw invalid(`must have whole seconds as "ttl", and no other field.`)
    if (!parsed.success) throw invalid(`must be ${destinationAbout}.`)
    if ('function' in parsed.data) checkFunction(parsed.data.function)
    if ('url' in parsed.data) checkUrl(parsed.data.url)
    if ('queue' in parsed.data) checkQueue(parsed.data)
    return definedOf(parsed.data) as Destination
  })

const isQueue = (given: unknown): boolean =>
  typeof given === 'object' && given !== null && typeof Reflect.get(given, 'queue') === 'string'

/** It may be deployed later; here it only has to be one that can be. */
function checkFunction(name: string): void {
  if (functionNames.test(name)) return
  throw invalid(
    'must name a function: letters, digits, "-" and "_", followed by "@" and an alias, or by ":" and a version, if needed.',
  )
}

function checkQueue({ queue, ttl }: { queue: string; ttl?: number | undefined }): void {
  if (!queueNamePattern.test(queue))
    throw invalid('must name a queue: 1 to 64 letters, digits, "_", "-" and ".", and not "." or "..".')
  const { least, most } = queueTtl
  if (ttl !== undefined && (ttl < least || ttl > most)) throw invalid(`must have a "ttl" from ${least} to ${most}.`)
}

function checkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol)) throw invalid('must name a whole URL of http or https.')
  if (url.username !== '' || url.password !== '') throw invalid('must not have a password in its URL.')
}

/** Seconds from now, converted to milliseconds. */
export const delay = (): Field<number> =>
  field({ type: ['number', 'null'], description: 'Seconds before the run may begin.' }, (value) => {
    const number = typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value
    if (typeof number !== 'number' || !(number >= 0 && number <= longestSeconds))
      throw invalid(`must be seconds, from 0 to ${longestSeconds}.`)
    return number * 1000
  })

export const timeField = (about: string): Field<number> =>
  field({ type: ['string', 'null'], description: about }, (value) => {
    const time = typeof value === 'string' ? timeFromText(value) : null
    if (time === null) throw invalid('must be a time such as 2030-01-02T03:04:05Z.')
    return time
  })

export const priority = (): Field<number> =>
  field(
    {
      type: ['integer', 'null'],
      description: 'Among the waiting runs of the project, a higher priority goes first; default 0.',
    },
    (value) => {
      const number = toInteger(value)
      if (Math.abs(number) > maxPriority) throw invalid(`must be from -${maxPriority} to ${maxPriority}.`)
      return number
    },
  )

const longestKey = 255

/** An idempotency key chosen by the caller. */
export const idempotencyKey = (): Field<string> =>
  field(
    { type: ['string', 'null'], description: "Idempotency key: a repeated key gets the first request's response." },
    (value) => {
      if (typeof value !== 'string' || value === '' || value.length > longestKey)
        throw invalid(`must be a string of 1 to ${longestKey} characters.`)
      return value
    },
  )

/** For /openapi.json. */
export const shownRetries = retriesShape
export const shownDestination = z.object({
  function: z.string().optional(),
  url: z.string().optional(),
  callback: z.string().optional(),
  queue: z.string().optional(),
  ttl: z.int().optional(),
})

export function retriesJson(terms: RetryOptions | null): z.output<typeof retriesShape> | null {
  if (terms === null) return null
  const { maxAttempts, maxAgeMs, on, firstPauseMs, factor, longestPauseMs } = terms
  const backoff = definedOf({ first: inSeconds(firstPauseMs), factor, longest: inSeconds(longestPauseMs) })
  return definedOf({
    max_attempts: maxAttempts,
    max_age: inSeconds(maxAgeMs),
    on,
    backoff: Object.keys(backoff).length === 0 ? undefined : backoff,
  })
}

const inMs = (value: number | undefined): number | undefined => (value === undefined ? undefined : value * 1000)
const inSeconds = (value: number | undefined): number | undefined => (value === undefined ? undefined : value / 1000)

/** The object without undefined fields. */
export const definedOf = <T extends object>(of: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

/** Forms carry it as text. */
function objectOf(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

function whereOf(error: z.ZodError): string {
  const [issue] = error.issues
  const path = issue?.path.join('.') ?? ''
  return path === '' ? '' : `; see "${path}"`
}
