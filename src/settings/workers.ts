import { totalmem } from 'node:os'
import { z } from 'zod'
import { int, mib } from './value-kinds.ts'

/** Three quarters of the memory: the rest is for the system, the engine and this process. */
export const budgetOf = (memoryBytes: number): number => Math.floor(memoryBytes * 0.75)
export const defaultBudgetMb = Math.floor(budgetOf(totalmem()) / mib)

export const workers = {
  memoryBudgetMb: int(64)
    .default(defaultBudgetMb)
    .describe(
      "Maximum sum of the memory limits of all workers, in MiB; idle workers are evicted when others need their memory. Default: three quarters of the machine's memory.",
    ),
  genericWorkers: int(0, 1000)
    .default(2)
    .describe('Minimum number of ready generic workers of each runtime image while no function needs their memory.'),
  maxParallelStarts: int(1, 1000).default(4).describe('Maximum number of containers that start at the same time.'),
  maxWaiting: int(0)
    .default(1000)
    .describe('Maximum number of calls of one function that wait for a worker; more calls are refused.'),
  acquireTimeoutMs: int(1).default(60_000).describe('Maximum time for which a call waits for a worker.'),
  startTimeoutMs: int(100)
    .default(60_000)
    .describe('Maximum time from the start of a container to the first message of its shim.'),
  streamIdleMs: int(100)
    .default(60_000)
    .describe(
      "Maximum pause of a streamed response that continues after its function's timeout; a response with a longer pause is aborted.",
    ),
  loadTimeoutMs: int(100).default(30_000).describe("Maximum time for loading a function's code."),
  afterCall: z
    .enum(['meter', 'freeze'])
    .default('meter')
    .describe(
      'What happens to processes and timers that a call leaves running. `meter`: they continue, and their processor time counts as usage of their function. `freeze`: a worker is frozen after 0.1 s without a call, and its next call thaws it.',
    ),
  pauseAfterMs: int(0)
    .default(0)
    .describe(
      'Idle time after which a worker is paused; its next call resumes it (15 to 30 ms when the engine does it, less when the server may write control groups itself); 0: never. 100 idle workers together use 0.02 % of a processor (npm run bench -- idle), so pausing only helps with functions that leave timers running.',
    ),
  drainMs: int(0)
    .default(30_000)
    .describe('Maximum time for which running calls continue after the server was told to stop.'),
  removalMs: int(0)
    .default(10_000)
    .describe('Maximum time for removing the workers after that; the next start removes the remaining ones.'),

  stopGraceMs: int(0, 60_000)
    .default(2000)
    .describe('Maximum time between SIGTERM and SIGKILL for an idle worker that is removed; 0: it is killed at once.'),
}
