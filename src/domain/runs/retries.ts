import type { Outcome } from './outcome.ts'

/** Decides when an accepted run is retried. A try that did not begin is no attempt: it may wait as long as a run may. */

/** Failures of an attempt: the platform failed while it ran, the function failed, or it timed out. */
export const retryCauses = ['error', 'failed', 'timeout'] as const
export type RetryCause = (typeof retryCauses)[number]

export interface RetryRule {
  /** Limit of attempts. */
  maxAttempts: number
  /** How long it is retried, from the time when it may begin. */
  maxAgeMs: number
  /** The failures after which it is retried. */
  on: RetryCause[]
  /** The pause before the first retry; each further one is `factor` times as long, up to the longest. */
  firstPauseMs: number
  factor: number
  longestPauseMs: number
}

/** The part that a function or a call sets; the rest is the platform's. */
export type RetryOptions = Partial<RetryRule>

/** The end of a try, and the history before it. */
export interface AttemptHistory {
  /** Null: success. */
  cause: RetryCause | null
  hasBegun: boolean
  /** Number of attempts that began. */
  attempt: number
  /** Tries so far, including those that could not begin. */
  tries: number
  ageMs: number
}

/** `dead`: it is not retried automatically. */
export type RetryDecision =
  | { kind: 'over' }
  | { kind: 'again'; pauseMs: number }
  | { kind: 'dead'; why: 'attempts' | 'age' | 'not_retried' }

/** Share of a pause that jitter may remove, so that runs that failed together are not retried together. */
const jitterShare = 0.5

/** The decision after a try. `chance`: from 0 to 1. */
export function decideRetry(rule: RetryRule, end: AttemptHistory, chance = 0): RetryDecision {
  if (end.cause === null) return { kind: 'over' }
  if (end.hasBegun && !rule.on.includes(end.cause)) return { kind: 'dead', why: 'not_retried' }
  if (end.hasBegun && end.attempt >= rule.maxAttempts) return { kind: 'dead', why: 'attempts' }
  if (end.ageMs >= rule.maxAgeMs) return { kind: 'dead', why: 'age' }
  return { kind: 'again', pauseMs: retryDelayMs(rule, end.tries) * (1 - jitterShare * chance) }
}

/** Pause after this number of tries, without jitter. */
export function retryDelayMs({ firstPauseMs, factor, longestPauseMs }: RetryRule, tries: number): number {
  return Math.min(longestPauseMs, firstPauseMs * factor ** (tries - 1))
}

/** The call's terms have priority over the function's, and those over the platform's. */
export function retryRuleOf(
  platform: RetryRule,
  ofFunction: RetryOptions | null,
  ofCall: RetryOptions | undefined,
): RetryRule {
  return { ...platform, ...ofFunction, ...ofCall }
}

export function retryCauseOf({ kind }: Outcome): RetryCause | null {
  if (kind === 'returned' || kind === 'streamed') return null
  if (kind === 'platform') return 'error'
  return kind === 'timeout' ? 'timeout' : 'failed'
}
