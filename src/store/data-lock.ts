import { join } from 'node:path'
import { openRaw } from './sqlite.ts'

/**
 * Keeps a second server off the data folder: a lock on a file that the system lets go of when the process ends, however it
 * ends. Throws an Error with a sentence when another server holds it.
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
