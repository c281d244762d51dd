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
      'Sum of the memory limits of all workers, in MiB; idle workers are removed when others need their memory. Default: three quarters of the memory of the machine.',
    ),
  genericWorkers: int(0, 1000)
    .default(2)
    .describe(
      'Least number of generic workers of each runtime image that are kept ready while no function needs their memory.',
    ),
  maxParallelStarts: int(1, 1000).default(4).describe('Most containers that are started at the same time.'),
  maxWaiting: int(0)
    .default(1000)
    .describe('Most calls of one function that wait for a worker; further ones are refused.'),
  acquireTimeoutMs: int(1).default(60_000).describe('Longest wait of a call for a worker.'),
  startTimeoutMs: int(100)
    .default(60_000)
    .describe('Longest time from the start of a container to the first message of its shim.'),
  streamIdleMs: int(100)
    .default(60_000)
    .describe(
      'Longest pause of a streamed answer that goes on past the timeout of its function; after a longer one it is cut off.',
    ),
  loadTimeoutMs: int(100).default(30_000).describe("Longest time for loading a function's code."),
  afterCall: z
    .enum(['meter', 'freeze'])
    .default('meter')
    .describe(
      'What becomes of processes and timers that a call leaves running. `meter`: they go on, and their processor time is put to the usage of their function. `freeze`: a worker is frozen when no call was in it for 0.1 s, and thawed by its next call.',
    ),
  pauseAfterMs: int(0)
    .default(0)
    .describe(
      'Idle workers are paused after this time and woken by their next call (15 to 30 ms where the engine does it, less where the server may write control groups itself); 0: never. 100 idle workers together use 0.02 % of a processor (npm run bench -- idle): it only pays for functions that leave timers behind.',
    ),
  drainMs: int(0).default(30_000).describe('Longest time that running calls go on after the server was told to stop.'),
  removalMs: int(0)
    .default(10_000)
    .describe('Longest time after that for removing the workers; the next start removes those that are left.'),

  stopGraceMs: int(0, 60_000)
    .default(2000)
    .describe('Longest time between SIGTERM and SIGKILL for an idle worker that is removed; 0: it is killed at once.'),
}
