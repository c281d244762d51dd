import { resolve } from 'node:path'
import { z } from 'zod'
import { int } from './value-kinds.ts'

export const backups = {
  backupDir: z
    .string()
    .transform((path) => resolve(path))
    .optional()
    .describe('Folder of the backups; default: backups in the data folder. Another disk is better.'),
  backupEveryHours: int(0).default(0).describe('Hours between two backups that the server makes by itself; 0: none.'),
  backupKeep: int(0).default(7).describe('Most backups made by the server itself that are kept; 0 keeps all.'),
}
