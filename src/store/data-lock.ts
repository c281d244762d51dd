import { join } from 'node:path'
import { openRaw } from './sqlite.ts'

/**
 * Excludes a second server from the data folder with a file lock, which the kernel releases when the process ends for any reason.
 * Throws an Error with a sentence when another server holds it.
 */
export function lockDataFolder(folder: string): () => void {
  const lock = openRaw(join(folder, 'lock.db'), { timeout: 0 })
  try {
    lock.pragma('locking_mode = EXCLUSIVE')
    lock.exec('BEGIN EXCLUSIVE')
  } catch {
    lock.close()
    throw new Error(
      `Another Taibai server uses the data folder ${folder}: stop it, or set TAIBAI_DATA_DIR to another folder.`,
    )
  }
  return () => lock.close()
}
