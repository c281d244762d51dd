import { resolve } from 'node:path'
import { z } from 'zod'
import { int } from './value-kinds.ts'

export const backups = {
  backupDir: z
    .string()
    .transform((path) => resolve(path))
    .optional()
    .describe('Folder of the backups; default: the folder backups in the data folder. A separate disk is safer.'),
  backupEveryHours: int(0).default(0).describe('Hours between two automatic backups; 0: no automatic backups.'),
  backupKeep: int(0).default(7).describe('Maximum number of automatic backups that are kept; 0 keeps all.'),
}
