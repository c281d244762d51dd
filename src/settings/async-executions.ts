import { int, mib } from './value-kinds.ts'

export const asyncExecutions = {
  maxQueued: int(1).default(100_000).describe('Maximum number of queued async executions; more are refused with 503.'),
  maxQueuedBytes: int(1)
    .default(256 * mib)
    .describe('Maximum total input size of all queued async executions.'),
  maxAsyncRunning: int(1).default(64).describe('Maximum number of async executions that run at the same time.'),
  maxAsyncRunningPerFunction: int(1)
    .default(16)
    .describe('Maximum number of async executions of one function that run at the same time.'),
  maxAttempts: int(1)
    .default(5)
    .describe(
      'Maximum number of attempts of an async execution when the platform (not the function) fails while it runs.',
    ),
  maxAsyncAgeMs: int(1000)
    .default(21_600_000)
    .describe(
      'Maximum time for which an async execution is retried while the platform cannot run it; then it ends as `error`.',
    ),
  retryPauseMs: int(1)
    .default(1000)
    .describe('Pause before the first retry of an async execution; each further retry doubles it, up to one minute.'),
  deliveryTimeoutMs: int(100, 600_000)
    .default(10_000)
    .describe(
      'Maximum time for a destination to respond to a delivered result; after that the delivery is retried later.',
    ),
}
