import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, link, mkdir, symlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { type Extract, extract, type Header } from 'tar-stream'
import { FaasError } from '../domain/errors.ts'
import type { DiskSpace } from '../domain/platform/disk-space.ts'
import { checkLinks } from './zip-check.ts'

const run = promisify(execFile)

export interface UnpackLayerOptions {
  maxBytes: number
  maxEntries: number
  /** Absent: no reserve. */
  space?: DiskSpace
}

/**
 * Files get mode 0444, or 0555 when executable. Times are kept, because Python uses a compiled module only when it matches its
 * source's time.
 */
export async function unpackLayer(
  tar: AsyncIterable<Uint8Array>,
  folder: string,
  { maxBytes, maxEntries, space }: UnpackLayerOptions,
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
