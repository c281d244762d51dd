import { int } from './value-kinds.ts'

export const workerLimits = {
  pidsLimit: int(8).default(128).describe('Maximum number of processes and threads in one worker.'),
  openFilesLimit: int(64).default(1024).describe('Maximum number of open files of one process in a worker.'),
  tmpSizeMb: int(1)
    .default(64)
    .describe('Default size of /tmp in workers (tmp_size of a function), in MiB; it counts as memory.'),
}
