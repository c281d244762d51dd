import { int, kib, mib } from './value-kinds.ts'

export const functionLimits = {
  memoryMinBytes: int(1)
    .default(32 * mib)
    .describe('Minimum memory_size of a function.'),
  memoryDefaultBytes: int(1)
    .default(32 * mib)
    .describe("Default memory_size of a function; the runtime's minimum memory applies when it is larger."),
  memoryMaxBytes: int(1)
    .default(1024 * mib)
    .describe('Maximum memory_size of a function.'),
  cpuMinMillicpu: int(1).default(100).describe('Minimum cpu of a function.'),
  cpuDefaultMillicpu: int(1)
    .default(100)
    .describe("Default cpu of a function: its share while the host's processors are contended."),
  cpuMaxMillicpu: int(1).default(2000).describe('Maximum cpu of a function.'),
  timeoutMinSeconds: int(1).default(1).describe('Minimum timeout of a function.'),
  timeoutDefaultSeconds: int(1)
    .default(5)
    .describe('Default timeout of a function; one of another platform has that of its platform when it is larger.'),
  timeoutMaxSeconds: int(1).default(900).describe('Maximum timeout of a function.'),
  maxConcurrency: int(1).default(256).describe('Maximum concurrency of a function: concurrent calls in one worker.'),
  maxEnvBytes: int(0)
    .default(64 * kib)
    .describe("Maximum size of a function's environment: names and values together."),
  maxVersions: int(1).default(10).describe('Maximum number of versions of one function.'),
}
