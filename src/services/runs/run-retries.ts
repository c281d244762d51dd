import type { Clock } from '../../domain/clock.ts'
import type { Execution } from '../../domain/runs/execution.ts'
import {
  decideRetry,
  type RetryCause,
  type RetryDecision,
  type RetryRule,
  retryRuleOf,
} from '../../domain/runs/retries.ts'
import type { Target } from '../functions/targets.ts'

/** How the platform retries accepted runs that say nothing else. */
export interface RetryLimits {
  /** Attempts of an accepted run when the platform fails. */
  maxAttempts: number
  /** How long an accepted run is retried. */
  maxAsyncAgeMs: number
  /** Pause before the second attempt; it doubles with each further one, up to a minute. */
  retryPauseMs: number
}

/** How an attempt ended; `cause` is null when the run is not retried. */
export interface AttemptEnding {
  cause: RetryCause | null
  hasBegun: boolean
}

const longestPauseMs = 60_000
const platformRetries = { on: ['error'] satisfies RetryCause[] as RetryCause[], factor: 2, longestPauseMs }

/** Whether and when a run is tried again: by the call's terms, else the function's, else the platform's rule. */
export class RunRetries {
  readonly platformRule: RetryRule
  #clock: Clock
  #random: (() => number) | undefined

  /** `random`: from 0 to 1; jitter for the pauses between attempts. */
  constructor({ maxAttempts, maxAsyncAgeMs, retryPauseMs }: RetryLimits, clock: Clock, random?: () => number) {
    this.platformRule = { maxAttempts, maxAgeMs: maxAsyncAgeMs, firstPauseMs: retryPauseMs, ...platformRetries }
    this.#clock = clock
    this.#random = random
  }

  ruleOf({ terms }: Execution, target: Target | null): RetryRule {
    return retryRuleOf(this.platformRule, target?.fn.retries ?? null, terms?.retries)
  }

  /** `tries`: attempts since the server started. */
  stepAfter(execution: Execution, tries: number, target: Target | null, end: AttemptEnding): RetryDecision {
    const ageMs = this.#clock.now() - (execution.terms?.runAtMs ?? execution.createdAt)
    const rule = this.ruleOf(execution, target)
    return decideRetry(rule, { ...end, attempt: execution.attempt, tries, ageMs }, this.#random?.())
  }

  /** Whether the run is not retried if the server ends during this attempt, which is the platform's fault. */
  endsWithServer(execution: Execution, target: Target): boolean {
    const end = { cause: 'error' as const, hasBegun: true, attempt: execution.attempt, tries: 1, ageMs: 0 }
    return decideRetry(this.ruleOf(execution, target), end).kind === 'dead'
  }
}
