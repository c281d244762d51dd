import type { RetryOptions } from './retries.ts'

/**
 * Where the result of an accepted run goes, as a CloudEvent. `callback`: as OpenFaaS posts it, the answer itself, with this name of
 * the function. `queue`: of Zaqar, in the function's project; the message is there for `ttl` seconds, absent: as long as Zaqar says.
 */
export type Destination = { function: string } | { url: string; callback?: string } | QueueDestination

export interface QueueDestination {
  queue: string
  ttl?: number
}

/** Options that a caller requested for a run; stored with it. Absent: the function's or the platform's default. */
export interface RunOptions {
  retries?: RetryOptions
  /** Higher goes first among the waiting runs of its project; default 0. */
  priority?: number
  /** Earliest time to begin; Unix ms. The run's age counts from then. */
  runAtMs?: number
  onSuccess?: Destination
  onFailure?: Destination
  /** Number of results, and of messages of apps, that led to this run; it ends loops. */
  depth?: number
  /** Idempotency key: a repeated request gets the first response. */
  key?: string
  /** Kind of the response of a run with a key; its bytes are in the output. */
  answered?: 'json' | 'text' | 'bytes' | 'http-json' | 'http-text' | 'http-bytes'
}

/** State of the delivery of a result. */
export interface ResultDelivery {
  to: Destination
  /** Project in which the destination function is looked up. */
  projectId: string
  state: 'pending' | 'delivered' | 'failed'
  attempts: number
  /** Reason of the last failure. */
  error: string | null
}

/** Zaqar's own rule for the names of queues, without the two that are no names in a path. */
export const queueNamePattern = /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,64}$/
/** Seconds that Zaqar keeps a message at least, and at most unless it is set up otherwise. */
export const queueTtl = { least: 60, most: 1_209_600 }

export const maxPriority = 100
/** A run that should wait longer than a year is a job. */
export const maxDelayMs = 366 * 86_400_000
/** Limit of results that lead to further runs. */
export const maxDepth = 16
