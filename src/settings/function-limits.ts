import { int, kib, mib } from './value-kinds.ts'

export const functionLimits = {
  memoryMinBytes: int(1)
    .default(32 * mib)
    .describe('Least memory_size of a function.'),
  memoryDefaultBytes: int(1)
    .default(32 * mib)
    .describe("memory_size of a function that names none; the runtime's least memory is the floor in effect."),
  memoryMaxBytes: int(1)
    .default(1024 * mib)
    .describe('Most memory_size of a function.'),
  cpuMinMillicpu: int(1).default(100).describe('Least cpu of a function.'),
  cpuDefaultMillicpu: int(1)
    .default(100)
    .describe('cpu of a function that names none: its share when the host is contended.'),
  cpuMaxMillicpu: int(1).default(2000).describe('Most cpu of a function.'),
  timeoutMinSeconds: int(1).default(1).describe('Least timeout of a function.'),
  timeoutDefaultSeconds: int(1).default(5).describe('timeout of a function that names none.'),
  timeoutMaxSeconds: int(1).default(900).describe('Most timeout of a function.'),
  maxConcurrency: int(1).default(256).describe('Most calls at once in one worker that a function may ask for.'),
  maxEnvBytes: int(0)
    .default(64 * kib)
    .describe('Largest environment of a function: names and values together.'),
  maxVersions: int(1).default(10).describe('Most versions of one function.'),
}
