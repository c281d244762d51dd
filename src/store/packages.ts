import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { link, mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Clock } from '../domain/clock.ts'
import { FaasError, notFound } from '../domain/errors.ts'
import type { Layer } from '../domain/functions/build.ts'
import type { PackageStore, StoredPackage } from '../domain/functions/function.ts'
import type { DiskSpace } from '../domain/platform/disk-space.ts'
import { syncFolder, writeDurably } from './durable-write.ts'
import { digests } from './package-digests.ts'
import { storageFailure } from './storage-full.ts'
import { closeTree, linkTree, removeTree } from './tree.ts'
import { unpack } from './unpack.ts'
import { UnusedMark } from './unused-mark.ts'
import type { PackageLimits } from './zip-check.ts'

export interface PackageOptions {
  /** Folder of the packages: `<hash>/package.zip` and `<hash>/code/`. */
  folder: string
  limits: PackageLimits
  /** How long an unused package is kept; absent: for ever. */
  keepUnusedMs?: number
  space?: DiskSpace
  clock: Clock
}

/** File beside the code of a built package: the hash of the upload, and the key of the installed layer. */
const builtMark = 'built'
/** Lock files of large programs have some MiB. */
const mostTextBytes = 16 * 1024 * 1024
const mostKnownSizes = 10_000
const hashPattern = /^[0-9a-f]{64}$/
/** Prefix of folders that are being created or removed; leftovers of a crash have it too. */
const unfinishedPrefix = '.unfinished-'

export class PackageFolder implements PackageStore {
  #options: PackageOptions
  #unpacking = new Map<string, Promise<void>>()
  /** Number of operations during which nothing may be removed. */
  #keepers = 0
  /** Sizes by hash; a stored package does not change. */
  #sizes = new Map<string, number>()
  #onStored: (codeFolder: string) => void = () => {}

  private constructor(options: PackageOptions) {
    this.#options = options
  }

  /** Removes unfinished packages of an earlier process. */
  static async open(options: PackageOptions): Promise<PackageFolder> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 })
    for (const name of await readdir(options.folder)) {
      if (name.startsWith(unfinishedPrefix)) await removeTree(join(options.folder, name))
    }
    return new PackageFolder(options)
  }

  /** `onStored` is told the folder of each package that is stored from now on. */
  tell(onStored: (codeFolder: string) => void): void {
    this.#onStored = onStored
  }

  async put(zip: Buffer, maxBytes = this.#options.limits.maxPackageBytes): Promise<StoredPackage> {
    if (zip.length > maxBytes) {
      throw new FaasError('too_large', `The package is ${zip.length} bytes; at most ${maxBytes} are allowed.`)
    }
    const { hash, md5sum } = await digests(zip)
    if (!this.#has(hash)) await this.#once(hash, () => this.#store(hash, zip))
    return { hash, md5sum, sizeBytes: zip.length }
  }

  names(hash: string): string[] {
    return readdirSync(this.folder(hash)).sort()
  }

  text(hash: string, name: string): string {
    const path = join(this.folder(hash), name)
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined || !found.isFile()) return ''
    if (found.size > mostTextBytes) {
      throw new FaasError(
        'too_large',
        `${name} has ${found.size} bytes; a list of dependencies may have at most ${mostTextBytes}. Deploy the package as it is: --no-build (?build=never).`,
      )
    }
    return readFileSync(path, 'utf8')
  }

  async putBuilt({ hash: source, ...about }: StoredPackage, layer: Layer): Promise<StoredPackage> {
    const hash = createHash('sha256').update(`${source}\n${layer.id}`).digest('hex')
    if (!this.#has(hash)) await this.#once(hash, () => this.#layOut(hash, source, layer))
    return { ...about, hash }
  }

  layerOf(hash: string): string | null {
    const mark = join(this.#place(hash), builtMark)
    return existsSync(mark) ? (readFileSync(mark, 'utf8').split('\n')[1] ?? null) : null
  }

  open(hash: string): { stream: ReadableStream<Uint8Array>; sizeBytes: number } {
    const sizeBytes = this.sizeOf(hash)
    return { stream: Readable.toWeb(createReadStream(this.zipFile(hash))) as ReadableStream<Uint8Array>, sizeBytes }
  }

  sizeOf(hash: string): number {
    const found = statSync(this.zipFile(hash), { throwIfNoEntry: false })
    if (found === undefined) throw notFound('Package', hash)
    return found.size
  }

  async unpackedBytes(hash: string): Promise<number> {
    const known = this.#sizes.get(hash)
    if (known !== undefined) return known
    if (!existsSync(this.#place(hash))) return 0
    const bytes = await bytesOfPackage(this.#place(hash))
    if (this.#sizes.size >= mostKnownSizes) this.#sizes.clear()
    this.#sizes.set(hash, bytes)
    return bytes
  }

  folder(hash: string): string {
    return join(this.#place(hash), 'code')
  }

  /** Hashes of all stored packages. */
  async hashes(): Promise<string[]> {
    return (await readdir(this.#options.folder)).filter((name) => hashPattern.test(name)).sort()
  }

  /** The ZIP as uploaded, on the host. */
  zipFile(hash: string): string {
    return join(this.#place(hash), 'package.zip')
  }

  /** Folder of a built package; null: it was not built. */
  builtFolder(hash: string): string | null {
    return existsSync(join(this.#place(hash), builtMark)) ? this.#place(hash) : null
  }

  /** Nothing is pruned until the work settles. */
  async withoutRemovals<T>(work: () => Promise<T>): Promise<T> {
    this.#keepers++
    return work().finally(() => this.#keepers--)
  }

  async prune(keep: Set<string>): Promise<number> {
    const { keepUnusedMs = Number.POSITIVE_INFINITY } = this.#options
    let removed = 0
    for (const hash of await readdir(this.#options.folder)) {
      if (this.#keepers > 0) return removed
      if (!hashPattern.test(hash) || !this.#markOf(this.#place(hash)).isDoomed(keep.has(hash), keepUnusedMs)) continue
      // Synchronous since the check of its age: a concurrent upload of the same bytes finds it complete and young, or not at all.
      const doomed = this.#unfinished()
      renameSync(this.#place(hash), doomed)
      await removeTree(doomed)
      removed++
    }
    return removed
  }

  #place(hash: string): string {
    if (!hashPattern.test(hash)) throw notFound('Package', hash)
    return join(this.#options.folder, hash)
  }

  #unfinished(): string {
    return join(this.#options.folder, `${unfinishedPrefix}${randomBytes(8).toString('hex')}`)
  }

  /** Whether the package exists; if so, it is protected from pruning until the caller has written its row. */
  #has(hash: string): boolean {
    const place = this.#place(hash)
    if (!existsSync(place)) return false
    this.#markOf(place).takeOff()
    return true
  }

  #markOf(place: string): UnusedMark {
    return new UnusedMark(this.#options.clock, place)
  }

  #once(hash: string, store: () => Promise<void>): Promise<void> {
    const running = this.#unpacking.get(hash)
    if (running !== undefined) return running
    const storing = store().finally(() => this.#unpacking.delete(hash))
    this.#unpacking.set(hash, storing)
    return storing
  }

  #store(hash: string, zip: Buffer): Promise<void> {
    return this.#make(hash, async (unfinished) => {
      await unpack(zip, join(unfinished, 'code'), this.#options.limits, this.#options.space)
      await writeDurably(join(unfinished, 'package.zip'), zip)
    })
  }

  /** Where both have a file, the package's is used. The ZIP is the uploaded one. */
  #layOut(hash: string, source: string, layer: Layer): Promise<void> {
    return this.#make(hash, async (unfinished) => {
      const code = join(unfinished, 'code')
      for (const tree of [this.folder(source), layer.folder]) await linkTree(tree, code)
      await closeTree(code)
      await link(this.zipFile(source), join(unfinished, 'package.zip'))
      await writeFile(join(unfinished, builtMark), `${source}\n${layer.key}`, { mode: 0o600, flush: true })
    })
  }

  async #make(hash: string, fill: (unfinished: string) => Promise<void>): Promise<void> {
    const unfinished = this.#unfinished()
    try {
      await mkdir(unfinished, { mode: 0o755 })
      await fill(unfinished)
      this.#markOf(unfinished).touch()
      await rename(unfinished, this.#place(hash))
      await syncFolder(this.#options.folder)
      this.#onStored(this.folder(hash))
    } catch (error) {
      await removeTree(unfinished)
      throw error instanceof FaasError ? error : notStored(error)
    }
  }
}

const notStored = (cause: unknown): FaasError =>
  storageFailure(cause, new FaasError('internal', 'The package could not be stored; see the server log.', { cause }))

/** Disk usage, as the file system counts it; links beside the code take no room. */
async function bytesOfPackage(place: string): Promise<number> {
  let bytes = 0
  const code = await readdir(join(place, 'code'), { withFileTypes: true, recursive: true })
  for (const entry of [...(await readdir(place, { withFileTypes: true })), ...code]) {
    if (entry.isFile()) bytes += ((await stat(join(entry.parentPath, entry.name))).blocks ?? 0) * 512
  }
  return bytes
}
