import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { lockDataFolder } from './data-lock.ts'

/** Everything that lasts lies here; one server at a time. */
export interface DataFolder {
  path: string
  /** Of workers' own folders; nothing in it outlives the server. */
  workersDir: string
  /** Of this data folder on this machine: tells our containers from those of other servers. */
  instance: string
  unlock(): void
}

/** Longest path of a Unix socket on Linux, in bytes. */
const longestSocketPath = 107
/** What a worker's folder and socket add to the path of their parent. */
const longestWorkerPath = '/0123456789/worker.sock'

/** Made when it is not there. Throws an Error with a sentence when it cannot be used, by anybody or now. */
export function openDataFolder(dataDir: string): DataFolder {
  const path = ownFolder(dataDir)
  const workersDir = join(path, 'workers')
  if (Buffer.byteLength(workersDir + longestWorkerPath) > longestSocketPath) {
    throw new Error(
      `The path of the data folder ${path} is too long for the sockets in it: choose a shorter TAIBAI_DATA_DIR.`,
    )
  }
  const instance = createHash('sha256').update(path).digest('hex').slice(0, 12)
  return { path, workersDir, instance, unlock: lockDataFolder(path) }
}

/** There, and closed to everybody else. */
function ownFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
    return realpathSync(folder)
  } catch (cause) {
    const why = (cause as Error).message
    throw new Error(`The data folder ${folder} cannot be used (${why}): choose another TAIBAI_DATA_DIR.`, { cause })
  }
}

/** There and empty. Workers reach their own folder in it; nobody but us may list it. */
export function emptyFolder(path: string): void {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { mode: 0o711 })
}
