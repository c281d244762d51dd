import { randomInt } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../folder.ts'
import { lockDataFolder } from './data-lock.ts'

/** The folder of all persistent data, for one server at a time. */
export interface DataFolder {
  path: string
  /** Parent of the workers' folders; nothing in it outlives the server. */
  workersDir: string
  /** Files that workers' containers see under /etc. */
  etcFolder: string
  /** Id of this data folder: distinguishes our containers and networks from those of other installations on the same engine. */
  instance: string
  unlock(): void
}

/** Longest path of a Unix socket on Linux, in bytes. */
const longestSocketPath = 107
/** Length that a worker's folder and socket add to their parent's path. */
const longestWorkerPath = '/0123456789/worker.sock'

/** Creates the folder if necessary. Throws an Error with a sentence when it cannot be used. */
export function openDataFolder(dataDir: string, newInstance = randomInstance): DataFolder {
  const path = ownFolder(dataDir)
  const workersDir = join(path, 'workers')
  if (Buffer.byteLength(workersDir + longestWorkerPath) > longestSocketPath) {
    throw new Error(
      `The path of the data folder ${path} is too long for the sockets in it: choose a shorter TAIBAI_DATA_DIR.`,
    )
  }
  const unlock = lockDataFolder(path)
  return { path, workersDir, etcFolder: join(path, 'etc'), instance: instanceOf(path, newInstance), unlock }
}

/**
 * The id is random and stored in the folder, because many installations have the same path (`/data` in containers). A copy of the
 * folder is another installation; the inode reveals it.
 */
function instanceOf(path: string, newInstance: () => string): string {
  const file = join(path, 'instance.json')
  const folder = statSync(path).ino
  const kept = readInstance(file)
  if (kept !== null && kept.folder === folder) return kept.id
  const id = newInstance()
  writeFileSync(file, JSON.stringify({ id, folder }), { mode: 0o600 })
  return id
}

function readInstance(file: string): { id: string; folder: number } | null {
  try {
    const { id, folder } = JSON.parse(readFileSync(file, 'utf8'))
    return typeof id === 'string' && /^[a-z0-9]{12}$/.test(id) ? { id, folder } : null
  } catch {
    return null
  }
}

const letters = 'abcdefghijkmnpqrstuvwxyz23456789'
const randomInstance = (): string => Array.from({ length: 12 }, () => letters[randomInt(letters.length)]).join('')

/** Creates the folder, accessible to its owner only. */
function ownFolder(folder: string): string {
  try {
    makeFolder(folder, 0o700)
    chmodSync(folder, 0o700)
    return realpathSync(folder)
  } catch (cause) {
    const why = (cause as Error).message
    throw new Error(`The data folder ${folder} cannot be used (${why}): choose another TAIBAI_DATA_DIR.`, { cause })
  }
}

/**
 * Throws an Error with advice when there are packages but no catalogue: with an empty catalogue all packages would be pruned.
 * Call it before the catalogue is opened, which would create one.
 */
export function refuseLostCatalogue(dataPath: string): void {
  const packages = join(dataPath, 'packages')
  const stored = existsSync(packages) ? readdirSync(packages).filter((name) => packageName.test(name)).length : 0
  if (stored === 0) return
  const catalogue = join(dataPath, 'taibai.db')
  const wal = statSync(`${catalogue}-wal`, { throwIfNoEntry: false })
  const found = statSync(catalogue, { throwIfNoEntry: false })
  if (found !== undefined && (found.size > 0 || (wal?.size ?? 0) > 0)) return
  throw new Error(
    `${catalogue} is ${found === undefined ? 'missing' : 'empty'}, but there are ${stored} packages beside it: ` +
      `restore it from a backup, or, to begin anew, move ${packages} away.`,
  )
}

const packageName = /^[0-9a-f]{64}$/

/** Creates the folder or empties it. Workers may enter their own subfolder; only the server may list it. */
export function emptyFolder(path: string): void {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { mode: 0o711 })
}
