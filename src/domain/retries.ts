import type { Outcome } from './outcome.ts'

/** When an accepted run is tried again. What did not begin is no attempt: it waits for as long as a run may. */

/** How a try may end badly: the platform failed while it ran, the function failed, it took too long. */
export const retryCauses = ['error', 'failed', 'timeout'] as const
export type RetryCause = (typeof retryCauses)[number]

export interface RetryRule {
  /** Times that it may begin. */
  maxAttempts: number
  /** How long it is tried for, from the moment that it may begin. */
  maxAgeMs: number
  /** After which ends it is tried again. */
  on: RetryCause[]
  /** The pause before the second try; each further one is `factor` times as long, up to the longest. */
  firstPauseMs: number
  factor: number
  longestPauseMs: number
}

/** What a function or a call says of it; the rest is the platform's. */
export type RetryTerms = Partial<RetryRule>

/** How a try ended, and what went before. */
export interface TryEnd {
  /** Null: it succeeded. */
  cause: RetryCause | null
  hasBegun: boolean
  /** Times that it has begun. */
  attempt: number
  /** Tries so far, those that could not begin too. */
  tries: number
  ageMs: number
}

/** `dead`: it will not be tried again by itself. */
export type Step =
  | { kind: 'over' }
  | { kind: 'again'; pauseMs: number }
  | { kind: 'dead'; why: 'attempts' | 'age' | 'not_retried' }

/** Share of a pause that chance may take away, so that runs that failed together do not come back together. */
const jitterShare = 0.5

/** The decision after a try. `chance`: from 0 to 1. */
export function nextStep(rule: RetryRule, end: TryEnd, chance = 0): Step {
  if (end.cause === null) return { kind: 'over' }
  if (end.hasBegun && !rule.on.includes(end.cause)) return { kind: 'dead', why: 'not_retried' }
  if (end.hasBegun && end.attempt >= rule.maxAttempts) return { kind: 'dead', why: 'attempts' }
  if (end.ageMs >= rule.maxAgeMs) return { kind: 'dead', why: 'age' }
  return { kind: 'again', pauseMs: pauseMs(rule, end.tries) * (1 - jitterShare * chance) }
}

/** Pause after this number of tries, without chance. */
export function pauseMs({ firstPauseMs, factor, longestPauseMs }: RetryRule, tries: number): number {
  return Math.min(longestPauseMs, firstPauseMs * factor ** (tries - 1))
}

/** What the call says wins over what the function says, and that over the platform's. */
export function ruleOf(platform: RetryRule, ofFunction: RetryTerms | null, ofCall: RetryTerms | undefined): RetryRule {
  return { ...platform, ...ofFunction, ...ofCall }
}

export function causeOf({ kind }: Outcome): RetryCause | null {
  if (kind === 'returned' || kind === 'streamed') return null
  if (kind === 'platform') return 'error'
  return kind === 'timeout' ? 'timeout' : 'failed'
}
