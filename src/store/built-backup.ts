import { createReadStream, createWriteStream, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { chmod, mkdir, symlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Extract, Header, Pack } from 'tar-stream'
import { linkedFolderOf } from '../domain/functions/function.ts'

/** Built packages in a backup: all files are included, because the layers that were installed may no longer exist. */

const builtPattern = /^built\/([0-9a-f]{64})\/(.+?)\/?$/

/** Adds the folder of a built package with its contents. */
export async function addBuilt(tar: Pack, hash: string, folder: string, below = ''): Promise<void> {
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    if (below === '' && entry.name.startsWith(linkedFolderOf('code'))) continue
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    const [name, file] = [`built/${hash}/${path}`, join(folder, path)]
    const { mode, mtime, size } = lstatSync(file)
    const header = { name, mode: mode & 0o777, mtime }
    if (entry.isDirectory()) {
      tar.entry({ ...header, type: 'directory' })
      await addBuilt(tar, hash, folder, path)
    } else if (entry.isSymbolicLink()) tar.entry({ ...header, type: 'symlink', linkname: readlinkSync(file) })
    else await pipeline(createReadStream(file), tar.entry({ ...header, size }))
  }
}

type Entry = Extract extends AsyncIterable<infer Source> ? Source : never

/** False: the entry does not belong to a built package. Folders stay writable until `closeTree`. */
export async function restoreBuilt(entry: Entry, packages: string): Promise<boolean> {
  const { name, type, mode, mtime, linkname } = entry.header as Header
  const [, hash, path] = builtPattern.exec(name) ?? []
  if (hash === undefined || path === undefined) return false
  if (path.split('/').includes('..')) throw new Error(`${name} leads out of its folder.`)
  const to = join(packages, hash, path)
  await mkdir(type === 'directory' ? to : dirname(to), { recursive: true })
  if (type === 'file') {
    await pipeline(entry, createWriteStream(to, { flush: true }))
    await chmod(to, mode ?? 0o444)
    if (mtime !== undefined) await utimes(to, mtime, mtime)
    return true
  }
  if (type === 'symlink') await symlink(linkname ?? '', to)
  entry.resume()
  return true
}
