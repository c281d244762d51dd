import { randomBytes } from 'node:crypto'
import { existsSync, renameSync, statSync, utimesSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../domain/clock.ts'
import { FaasError } from '../domain/errors.ts'
import type { HeldLayer, Layer, LayerStore } from '../domain/functions/build.ts'
import { storageFailure } from './storage-full.ts'
import { type UnpackLayerOptions, unpackLayer } from './unpack-layer.ts'

export interface LayerOptions extends UnpackLayerOptions {
  /** Folder of the layers: `<key>-<number>/files/` and `<key>-<number>/layer.json`; the highest number is the latest. */
  folder: string
  /** How long an unused layer is kept. */
  keepUnusedMs: number
  clock: Clock
}

/** Earlier releases wrote no number. */
const placePattern = /^([0-9a-f]{64})(?:-(\d+))?$/
const unfinishedPrefix = '.unfinished-'

/** Installed dependencies of builds, each under the hash of its inputs. What is in use is neither changed nor removed. */
export class LayerFolder implements LayerStore {
  #options: LayerOptions
  /** The latest number of each key. */
  #latest: Map<string, number>
  /** Number of users by name of the folder. */
  #users = new Map<string, number>()

  private constructor(options: LayerOptions, latest: Map<string, number>) {
    this.#options = options
    this.#latest = latest
  }

  /** Removes what an earlier process left: unfinished layers, and replaced ones. */
  static async open(options: LayerOptions): Promise<LayerFolder> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 })
    const names = await readdir(options.folder)
    const latest = latestOf(names)
    for (const name of names) {
      const placed = placedIn(name)
      const isLeft = placed === null ? name.startsWith(unfinishedPrefix) : latest.get(placed.key) !== placed.number
      if (isLeft) await rm(join(options.folder, name), { recursive: true, force: true })
    }
    return new LayerFolder(options, latest)
  }

  async find(key: string): Promise<HeldLayer | null> {
    const name = this.#nameOf(key)
    if (name === null) return null
    const layer = this.#hold(name)
    try {
      const { id, sizeBytes } = await this.#about(name)
      const now = this.#options.clock.now() / 1000
      utimesSync(this.#place(name), now, now)
      return { key, id, sizeBytes, ...layer }
    } catch (error) {
      layer.release()
      throw error
    }
  }

  async ofProject(projectId: string): Promise<Omit<Layer, 'folder'>[]> {
    const found: { layer: Omit<Layer, 'folder'>; usedAt: number }[] = []
    for (const key of [...this.#latest.keys()]) {
      const name = this.#nameOf(key)
      const known = name === null ? [] : ([this.#about(name), stat(this.#place(name))] as const)
      const [about, there] = await Promise.all(known).catch(() => [])
      if (about?.projectId !== projectId || there === undefined) continue
      found.push({ layer: { key, id: about.id, sizeBytes: about.sizeBytes }, usedAt: there.mtimeMs })
    }
    return found.sort((a, b) => a.usedAt - b.usedAt).map(({ layer }) => layer)
  }

  async remove(key: string): Promise<boolean> {
    const name = this.#nameOf(key)
    if (name === null) return true
    if (this.#users.has(name)) return false
    this.#latest.delete(key)
    await this.#discard(name)
    return true
  }

  async put(key: string, tar: AsyncIterable<Uint8Array>, projectId: string): Promise<HeldLayer> {
    const unfinished = this.#unfinished()
    await mkdir(join(unfinished, 'files'), { recursive: true })
    try {
      const about = await unpackLayer(tar, join(unfinished, 'files'), this.#options)
      await writeFile(join(unfinished, 'layer.json'), JSON.stringify({ ...about, projectId }), { flush: true })
      return { key, ...about, ...this.#add(key, unfinished) }
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true })
      throw error instanceof FaasError ? error : notKept(error)
    }
  }

  async prune(): Promise<void> {
    const { keepUnusedMs, clock } = this.#options
    for (const key of [...this.#latest.keys()]) {
      const name = this.#nameOf(key)
      const found = name === null ? undefined : statSync(this.#place(name), { throwIfNoEntry: false })
      if (found !== undefined && found.mtimeMs < clock.now() - keepUnusedMs) await this.remove(key)
    }
  }

  /** The one before goes when nobody uses it any more. */
  #add(key: string, unfinished: string): Pick<HeldLayer, 'folder' | 'release'> {
    const before = this.#nameOf(key)
    let number = (this.#latest.get(key) ?? 0) + 1
    // An earlier one is still in use, though the latest was removed.
    while (existsSync(this.#place(nameOf(key, number)))) number++
    renameSync(unfinished, this.#place(nameOf(key, number)))
    this.#latest.set(key, number)
    if (before !== null && !this.#users.has(before)) void this.#discard(before).catch(() => {})
    return this.#hold(nameOf(key, number))
  }

  #hold(name: string): Pick<HeldLayer, 'folder' | 'release'> {
    this.#users.set(name, (this.#users.get(name) ?? 0) + 1)
    let isHeld = true
    const release = () => {
      if (isHeld) this.#letGo(name)
      isHeld = false
    }
    return { folder: join(this.#place(name), 'files'), release }
  }

  #letGo(name: string): void {
    const left = (this.#users.get(name) ?? 1) - 1
    if (left > 0) return void this.#users.set(name, left)
    this.#users.delete(name)
    const placed = placedIn(name)
    const isReplaced = placed !== null && this.#latest.get(placed.key) !== placed.number
    // What cannot be removed now is removed at the next start.
    if (isReplaced) void this.#discard(name).catch(() => {})
  }

  /** Renamed first, so that nobody finds a half-deleted layer after a crash. */
  async #discard(name: string): Promise<void> {
    const doomed = this.#unfinished()
    if (existsSync(this.#place(name))) renameSync(this.#place(name), doomed)
    await rm(doomed, { recursive: true, force: true })
  }

  /** Null: there is none. */
  #nameOf(key: string): string | null {
    const number = this.#latest.get(key)
    if (number === undefined) return null
    const name = nameOf(key, number)
    return existsSync(join(this.#place(name), 'layer.json')) ? name : null
  }

  /** Earlier releases wrote no `projectId`. */
  async #about(name: string): Promise<{ id: string; sizeBytes: number; projectId?: string }> {
    return JSON.parse(await readFile(join(this.#place(name), 'layer.json'), 'utf8'))
  }

  #unfinished(): string {
    return join(this.#options.folder, `${unfinishedPrefix}${randomBytes(8).toString('hex')}`)
  }

  #place(name: string): string {
    return join(this.#options.folder, name)
  }
}

const nameOf = (key: string, number: number): string => (number === 0 ? key : `${key}-${number}`)

function placedIn(name: string): { key: string; number: number } | null {
  const [, key, number = '0'] = placePattern.exec(name) ?? []
  return key === undefined ? null : { key, number: Number(number) }
}

function latestOf(names: string[]): Map<string, number> {
  const latest = new Map<string, number>()
  for (const placed of names.map(placedIn)) {
    if (placed !== null) latest.set(placed.key, Math.max(placed.number, latest.get(placed.key) ?? 0))
  }
  return latest
}

const notKept = (cause: unknown): FaasError =>
  storageFailure(cause, new FaasError('internal', 'What was built could not be stored; see the server log.', { cause }))
