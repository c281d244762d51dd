import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { ignoredIn } from '../manifest/package-zip.ts'

/**
 * Reports saved files once they are quiet. It uses one watch per folder instead of `recursive`, so that files outside of the
 * package are not watched, and each way of saving (write, rename, recreate) looks the same.
 */

/** Modules are installed, not edited: a watch on their folder alone detects a package manager. */
const watchedShallow = new Set(['node_modules'])

/** Quiet time after which a save is complete: of one file, of many files (a checkout), or of a file that is still empty. */
const quietMs = { one: 20, many: 150, empty: 120 }
const fewFiles = 3
/** Files that never become quiet are reported after this time. */
const longestMs = 2000

/** The required quiet time for these changes. Pure. */
export const quietTime = (changed: number, hasEmpty: boolean): number =>
  Math.max(quietMs.one, changed > fewFiles ? quietMs.many : 0, hasEmpty ? quietMs.empty : 0)

export class FolderWatch {
  #onSaved: (paths: string[]) => void
  #onUnwatched: (error: Error) => void
  #watchers = new Map<string, FSWatcher>()
  #roots: string[] = []
  #changed = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #longest: NodeJS.Timeout | undefined

  /** `onSaved` gets absolute paths; a new folder is reported as a whole. `onUnwatched`: a new folder cannot be watched. */
  constructor(onSaved: (paths: string[]) => void, onUnwatched: (error: Error) => void) {
    this.#onSaved = onSaved
    this.#onUnwatched = onUnwatched
  }

  /**
   * Replaces the watched roots: folders with their contents, and single files. Throws when the system refuses further watches.
   */
  follow(roots: string[]): void {
    this.#roots = roots
    const wanted = new Set(roots.flatMap(foldersOf))
    for (const [folder, watcher] of this.#watchers) {
      if (wanted.has(folder)) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#watch(folder)
  }

  close(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#longest)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, (_event, name) => this.#note(name === null ? folder : join(folder, name)))
      // The folder was removed, which the watch on its parent reports.
      watcher.on('error', () => this.#forget(folder))
      this.#watchers.set(folder, watcher)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      if (code === 'ENOSPC' || code === 'EMFILE') throw tooMany(this.#watchers.size)
      throw error
    }
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.close()
    this.#watchers.delete(folder)
  }

  #note(path: string): void {
    if (!this.#roots.some((root) => isPartOf(root, path))) return
    this.#changed.add(path)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#tell(), quietTime(this.#changed.size, isEmptyFile(path)))
    this.#longest ??= setTimeout(() => this.#tell(), longestMs)
  }

  #tell(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#longest)
    this.#longest = undefined
    const changed = [...this.#changed]
    this.#changed.clear()
    // A recreated folder needs a new watch, set before its content is read so that no save is missed.
    for (const folder of this.#watchers.keys()) {
      if (changed.some((path) => folder === path || folder.startsWith(`${path}/`))) this.#forget(folder)
    }
    try {
      this.follow(this.#roots)
    } catch (error) {
      this.#onUnwatched(error as Error)
    }
    this.#onSaved(changed)
  }
}

const tooMany = (count: number): Error =>
  new Error(
    `The system can watch only ${count} folders here: raise fs.inotify.max_user_watches and max_user_instances, or name what is not code in .taibaiignore.`,
  )

/** The folders to watch for a root. */
function foldersOf(root: string): string[] {
  if (isFolder(root) !== true) return [dirname(root)]
  const ignores = ignoredIn(root)
  const within = (folder: string): string[] => [
    folder,
    ...(watchedShallow.has(basename(folder)) ? [] : subfoldersOf(folder))
      .filter((one) => !ignores(relative(root, one), true))
      .flatMap(within),
  ]
  return within(root)
}

function subfoldersOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(folder, name))
  } catch {
    return []
  }
}

/** Whether a changed path concerns the root. The ignore file does. */
function isPartOf(root: string, path: string): boolean {
  if (path === root) return true
  const inside = relative(root, path)
  if (inside.startsWith('..') || isFolder(root) !== true) return false
  if (inside === '.taibaiignore') return true
  const ignores = ignoredIn(root)
  const parts = inside.split('/')
  return parts.every((_part, at) => {
    const isLast = at === parts.length - 1
    return !ignores(parts.slice(0, at + 1).join('/'), !isLast || isFolder(path) === true)
  })
}

/** Undefined: nothing is there. */
const isFolder = (path: string): boolean | undefined => statSync(path, { throwIfNoEntry: false })?.isDirectory()

const isEmptyFile = (path: string): boolean => {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats?.isFile() === true && stats.size === 0
}
