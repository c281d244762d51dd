import { int, mib } from './value-kinds.ts'

export const asyncExecutions = {
  maxQueued: int(1)
    .default(100_000)
    .describe('Most accepted async executions that wait; further ones are refused with 503.'),
  maxQueuedBytes: int(1)
    .default(256 * mib)
    .describe('Most bytes of input of all async executions that wait.'),
  maxAsyncRunning: int(1).default(64).describe('Most async executions that run at the same time.'),
  maxAsyncRunningPerFunction: int(1)
    .default(16)
    .describe('Most async executions of one function that run at the same time.'),
  maxAttempts: int(1)
    .default(5)
    .describe('Most attempts of an async execution when the platform (not the function) fails while it runs.'),
  maxAsyncAgeMs: int(1000)
    .default(21_600_000)
    .describe(
      'Longest time for which an async execution is tried while the platform cannot run it; then it ends as `error`.',
    ),
  retryPauseMs: int(1)
    .default(1000)
    .describe('Pause before an async execution is tried again; doubles with each further one, up to a minute.'),
  deliveryTimeoutMs: int(100, 600_000)
    .default(10_000)
    .describe('How long a destination of results may take to answer; then it is tried again later.'),
}
