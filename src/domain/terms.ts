import type { RetryTerms } from './retries.ts'

/**
 * Where the result of an accepted run goes, as a CloudEvent. `callback`: as OpenFaaS posts it, the answer itself, with this name of
 * the function. `queue`: of Zaqar, in the function's project; the message is there for `ttl` seconds, absent: as long as Zaqar says.
 */
export type Destination = { function: string } | { url: string; callback?: string } | QueuePlace

export interface QueuePlace {
  queue: string
  ttl?: number
}

/** What a caller asked for beside the run itself; kept with it. Absent: the function's way, or the platform's. */
export interface Terms {
  retries?: RetryTerms
  /** Higher goes first among the runs of its project that wait; 0 when absent. */
  priority?: number
  /** Not before this; Unix ms. Its age counts from then. */
  runAtMs?: number
  onSuccess?: Destination
  onFailure?: Destination
  /** How many results of other runs led to this one: a loop ends. */
  depth?: number
  /** The caller's key: asking again with it is answered as the first time. */
  key?: string
  /** Kind of the answer of a run with a key, whose bytes are its output. */
  answered?: 'json' | 'text' | 'bytes' | 'http-json' | 'http-text' | 'http-bytes'
}

/** Whether the result has reached its destination. */
export interface Delivery {
  to: Destination
  /** In which a function of that name is looked for. */
  projectId: string
  state: 'pending' | 'delivered' | 'failed'
  attempts: number
  /** Why it failed last. */
  error: string | null
}

/** Zaqar's own rule for the names of queues. */
export const queueNames = /^[A-Za-z0-9_.-]{1,64}$/
/** Seconds that Zaqar keeps a message at least, and at most unless it is set up otherwise. */
export const queueTtl = { least: 60, most: 1_209_600 }

export const mostPriority = 100
/** A run that is to wait longer than a year is a job. */
export const longestDelayMs = 366 * 86_400_000
/** Results that lead to runs whose results lead to runs …: so far and no further. */
export const deepestDepth = 16
