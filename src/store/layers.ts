import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createWriteStream, existsSync, renameSync, utimesSync } from 'node:fs'
import { chmod, link, mkdir, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { type Extract, extract, type Header } from 'tar-stream'
import type { Layer, LayerStore } from '../domain/build.ts'
import type { Clock } from '../domain/clock.ts'
import type { DiskSpace } from '../domain/disk-space.ts'
import { FaasError } from '../domain/errors.ts'
import { storageFailure } from './storage-full.ts'
import { checkLinks } from './zip-check.ts'

export interface LayerOptions {
  /** Folder of the layers: `<key>/files/` and `<key>/layer.json`. */
  folder: string
  maxBytes: number
  maxEntries: number
  /** How long an unused layer is kept. */
  keepUnusedMs: number
  /** Absent: no reserve. */
  space?: DiskSpace
  clock: Clock
}

const keyPattern = /^[0-9a-f]{64}$/
const unfinishedPrefix = '.unfinished-'
const run = promisify(execFile)

/** Installed dependencies of builds, each under the hash of its inputs. */
export class LayerFolder implements LayerStore {
  #options: LayerOptions

  private constructor(options: LayerOptions) {
    this.#options = options
  }

  /** Removes unfinished layers of an earlier process. */
  static async open(options: LayerOptions): Promise<LayerFolder> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 })
    for (const name of await readdir(options.folder)) {
      if (name.startsWith(unfinishedPrefix)) await rm(join(options.folder, name), { recursive: true, force: true })
    }
    return new LayerFolder(options)
  }

  async find(key: string): Promise<Layer | null> {
    const place = this.#place(key)
    if (!existsSync(join(place, 'layer.json'))) return null
    const { id, sizeBytes } = await this.#about(key)
    const now = this.#options.clock.now() / 1000
    utimesSync(place, now, now)
    return { key, id, sizeBytes, folder: join(place, 'files') }
  }

  async ofProject(projectId: string): Promise<Omit<Layer, 'folder'>[]> {
    const found: { layer: Omit<Layer, 'folder'>; usedAt: number }[] = []
    for (const key of await this.#keys()) {
      const [about, there] = await Promise.all([this.#about(key), stat(this.#place(key))]).catch(() => [])
      if (about?.projectId !== projectId || there === undefined) continue
      found.push({ layer: { key, id: about.id, sizeBytes: about.sizeBytes }, usedAt: there.mtimeMs })
    }
    return found.sort((a, b) => a.usedAt - b.usedAt).map(({ layer }) => layer)
  }

  async remove(key: string): Promise<void> {
    if (!existsSync(this.#place(key))) return
    const doomed = this.#unfinished()
    // Renamed first, so that nobody uses a half-deleted layer.
    renameSync(this.#place(key), doomed)
    await rm(doomed, { recursive: true, force: true })
  }

  async put(key: string, tar: AsyncIterable<Uint8Array>, projectId: string): Promise<Layer> {
    const unfinished = this.#unfinished()
    await mkdir(join(unfinished, 'files'), { recursive: true })
    try {
      const about = await unpackLayer(tar, join(unfinished, 'files'), this.#options)
      await writeFile(join(unfinished, 'layer.json'), JSON.stringify({ ...about, projectId }), { flush: true })
      const place = this.#place(key)
      await this.remove(key)
      await rename(unfinished, place)
      return { key, ...about, folder: join(place, 'files') }
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true })
      throw error instanceof FaasError ? error : notKept(error)
    }
  }

  async prune(): Promise<void> {
    const { keepUnusedMs, clock } = this.#options
    for (const key of await this.#keys()) {
      const found = await stat(this.#place(key)).catch(() => null)
      if (found !== null && found.mtimeMs < clock.now() - keepUnusedMs) await this.remove(key)
    }
  }

  async #keys(): Promise<string[]> {
    return (await readdir(this.#options.folder)).filter((name) => keyPattern.test(name))
  }

  /** Earlier releases wrote no `projectId`. */
  async #about(key: string): Promise<{ id: string; sizeBytes: number; projectId?: string }> {
    return JSON.parse(await readFile(join(this.#place(key), 'layer.json'), 'utf8'))
  }

  #unfinished(): string {
    return join(this.#options.folder, `${unfinishedPrefix}${randomBytes(8).toString('hex')}`)
  }

  #place(key: string): string {
    return join(this.#options.folder, key)
  }
}

const notKept = (cause: unknown): FaasError =>
  storageFailure(cause, new FaasError('internal', 'What was built could not be stored; see the server log.', { cause }))

/**
 * Files get mode 0444, or 0555 when executable. Times are kept, because Python uses a compiled module only when it matches its
 * source's time.
 */
async function unpackLayer(
  tar: AsyncIterable<Uint8Array>,
  folder: string,
  { maxBytes, maxEntries, space }: LayerOptions,
): Promise<{ id: string; sizeBytes: number }> {
  const hash = createHash('sha256')
  const links = new Map<string, string>()
  let [sizeBytes, entries] = [0, 0]
  const unpacking = extract()
  const laidOut = (async () => {
    for await (const entry of unpacking) {
      const { header } = entry
      const path = pathOf(header.name)
      sizeBytes += header.size ?? 0
      if (++entries > maxEntries) throw refused(`it made more than ${maxEntries} files (TAIBAI_BUILD_MAX_FILES).`)
      if (sizeBytes > maxBytes) throw refused(`it made more than ${maxBytes / 1024 / 1024} MiB (TAIBAI_BUILD_MAX_MB).`)
      space?.refuseMore(header.size ?? 0)
      if (path === '') {
        entry.resume()
        continue
      }
      await mkdir(dirname(join(folder, path)), { recursive: true })
      if (header.type === 'symlink') links.set(path, header.linkname ?? '')
      await layOut(entry, header, path, folder)
    }
  })()
  const hashed = new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
  })
  const [laid, read] = await Promise.allSettled([laidOut, pipeline(tar, hashed, unpacking)])
  for (const each of [laid, read]) if (each.status === 'rejected') throw each.reason
  checkLinks(links)
  for (const [path, target] of links) await symlink(target, join(folder, path))
  // One sync for all files: on a busy disk a sync for each takes longer than the build. Without this program the kernel syncs
  // later.
  await run('sync', ['-f', folder]).catch(() => {})
  return { id: hash.digest('hex'), sizeBytes }
}

async function layOut(entry: Entry, header: Header, path: string, folder: string): Promise<void> {
  const to = join(folder, path)
  const skip = () => void entry.resume()
  switch (header.type) {
    case 'directory':
      await mkdir(to, { recursive: true })
      return skip()
    case 'symlink':
      return skip()
    case 'link':
      await link(join(folder, pathOf(header.linkname ?? '')), to)
      return skip()
    case 'file':
    case 'contiguous-file': {
      await pipeline(entry, createWriteStream(to, { flags: 'wx' }))
      if (header.mtime !== undefined) await utimes(to, header.mtime, header.mtime)
      return chmod(to, ((header.mode ?? 0) & 0o111) === 0 ? 0o444 : 0o555)
    }
    default:
      throw refused(`${JSON.stringify(path)} is neither a file, nor a folder, nor a link.`)
  }
}

type Entry = Extract extends AsyncIterable<infer Source> ? Source : never

/** Relative to the folder. */
function pathOf(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || name.includes('\0') || name.startsWith('/')) {
    throw refused(`${JSON.stringify(name)} leads out of the folder of the build.`)
  }
  return parts.join('/')
}

const refused = (why: string): FaasError => new FaasError('build_failed', why)
