import { int } from './value-kinds.ts'

export const workerLimits = {
  pidsLimit: int(8).default(128).describe('Most processes and threads in one worker.'),
  openFilesLimit: int(64).default(1024).describe('Most open files of one process in a worker.'),
  tmpSizeMb: int(1)
    .default(64)
    .describe('Size of /tmp in the workers of functions that name none (tmp_size), in MiB; counts as memory.'),
}
