import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, readlinkSync, statSync, symlinkSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Clock, systemClock } from '../../domain/clock.ts'
import { linkedFolderOf } from '../../domain/functions/function.ts'

/** Files linked without yielding while a call waits: about a third of a millisecond. */
const linksAtOnce = 64
/** The same while nobody waits. */
const linksAheadAtOnce = 16
/** Fewer are linked as fast as a folder is renamed. */
const many = 100
/** After a folder was taken: the worker's first call goes first. */
const pauseMs = 1000

/**
 * Folders of hard links to stored code, one for each worker. For a package with many files a folder is made ahead, when the
 * package is stored and whenever one was taken: linking 2,000 files takes 15 to 40 ms, renaming their folder 0.1 ms. These
 * folders are beside the stored code, belong to no worker yet, and are removed with the package.
 */
export class LinkedCode {
  #clock: Clock
  #making = new Set<string>()

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** Makes the new folder `to`. */
  async put(stored: string, to: string): Promise<void> {
    const wasAhead = await rename(linkedFolderOf(stored), to).then(
      () => true,
      () => false,
    )
    if (!wasAhead) await make(stored, to, linksAtOnce)
    this.#clock.after(pauseMs, () => void this.makeAhead(stored))
  }

  /** Rejects never: what cannot be made now is made when it is needed. */
  async makeAhead(stored: string): Promise<void> {
    const ready = linkedFolderOf(stored)
    if (this.#making.has(stored) || existsSync(ready)) return
    this.#making.add(stored)
    const unfinished = `${ready}.unfinished`
    try {
      if (!hasMany(stored)) return
      await rm(unfinished, { recursive: true, force: true })
      await make(stored, unfinished, linksAheadAtOnce)
      await rename(unfinished, ready)
    } catch {
      // The package was removed meanwhile, or the disk is full.
      await rm(unfinished, { recursive: true, force: true }).catch(() => {})
    } finally {
      this.#making.delete(stored)
    }
  }
}

async function make(stored: string, to: string, atOnce: number): Promise<void> {
  let links = 0
  const link = readableLinks()
  for (const _ of linkTree(stored, to, link)) if (++links % atOnce === 0) await nextTurn()
}

function hasMany(folder: string): boolean {
  let found = 0
  const folders = [folder]
  for (let next = folders.pop(); next !== undefined && found < many; next = folders.pop()) {
    const entries = readdirSync(next, { withFileTypes: true })
    found += entries.length
    for (const entry of entries) if (entry.isDirectory()) folders.push(join(next, entry.name))
  }
  return found >= many
}

/**
 * Recreates the tree with hard links to its files, one file per step. Symbolic links inside a package stay as they are. It runs
 * on this thread: a link takes 6 µs, a handover to a thread pool 30.
 */
function* linkTree(from: string, to: string, link: (source: string, target: string) => void): Generator<void> {
  mkdirSync(to)
  // The worker's user must be able to read it, whatever the server's umask.
  chmodSync(to, 0o755)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) yield* linkTree(source, target, link)
    else if (entry.isSymbolicLink()) yield symlinkSync(readlinkSync(source), target)
    else yield link(source, target)
  }
}

/** Links files that everybody may read. Earlier versions stored packages that only the server could read under some umasks. */
function readableLinks(): (source: string, target: string) => void {
  let areOpen: boolean | undefined
  return (source, target) => {
    areOpen ??= (statSync(source).mode & 0o004) !== 0
    if (!areOpen) chmodSync(source, asOwner(statSync(source).mode))
    linkSync(source, target)
  }
}

/** Gives others the owner's permissions to read and run. */
const asOwner = (mode: number): number => (mode & 0o777) | ((mode & 0o500) >> 3) | ((mode & 0o500) >> 6)
