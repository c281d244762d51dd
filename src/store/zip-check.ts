import { invalid } from '../domain/errors.ts'

/** Decides which entries of a ZIP may become files. Pure: it checks names, kinds and sizes that the ZIP declares. */

export interface PackageLimits {
  /** Largest ZIP. */
  maxPackageBytes: number
  maxUnpackedBytes: number
  maxPackageEntries: number
}

/** The fields of a ZIP entry, with yauzl's names. */
export interface ZipEntry {
  fileName: string
  uncompressedSize: number
  compressionMethod: number
  externalFileAttributes: number
  isEncrypted(): boolean
}

export type EntryKind = 'file' | 'executable' | 'folder' | 'link'

export interface Checked<E extends ZipEntry> {
  entry: E
  kind: EntryKind
  /** Relative to the package, without `.`, `..` or empty parts. */
  path: string
}

const maxNameBytes = 255
const maxPathBytes = 1024
const maxLinkBytes = 1024
/** Deflate reaches 1032; real code and data stay far below. Small packages are exempt. */
const maxRatio = 200
const ratioCountsFromBytes = 16 * 1024 * 1024

/** Throws FaasError `invalid_request` for the first problem. */
export function checkEntries<E extends ZipEntry>(entries: E[], zipBytes: number, limits: PackageLimits): Checked<E>[] {
  checkCount(entries.length, limits)
  const checked = entries.map((entry) => checkEntry(entry)).filter(({ path }) => path !== '')
  checkTotal(checked, zipBytes, limits)
  checkClashes(checked)
  return checked
}

export function checkCount(entries: number, { maxPackageEntries }: PackageLimits): void {
  if (entries > maxPackageEntries) {
    throw invalid(`The package has ${entries} entries; at most ${maxPackageEntries} are allowed.`)
  }
}

function checkEntry<E extends ZipEntry>(entry: E): Checked<E> {
  const name = entry.fileName
  if (entry.isEncrypted()) throw invalid(`${quoted(name)} in the package is encrypted.`)
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    throw invalid(`${quoted(name)} in the package is compressed by method ${entry.compressionMethod}; use deflate.`)
  }
  const kind = kindOf(entry)
  if (kind === 'link' && entry.uncompressedSize > maxLinkBytes) {
    throw invalid(`The symbolic link ${quoted(name)} in the package is too long.`)
  }
  return { entry, kind, path: checkPath(name) }
}

const fileTypes = 0o170000
const regularFile = 0o100000
const folder = 0o040000
const symbolicLink = 0o120000

function kindOf({ fileName, externalFileAttributes }: ZipEntry): EntryKind {
  const mode = externalFileAttributes >>> 16
  const type = mode & fileTypes
  if (fileName.endsWith('/') ? type === 0 || type === folder : type === folder) return 'folder'
  if (fileName.endsWith('/'))
    throw invalid(`${quoted(fileName)} in the package has the name of a folder but is not one.`)
  if (type === symbolicLink) return 'link'
  if (type !== 0 && type !== regularFile) {
    throw invalid(`${quoted(fileName)} in the package is neither a file nor a folder nor a symbolic link.`)
  }
  return (mode & 0o111) === 0 ? 'file' : 'executable'
}

/** yauzl refuses some of these itself; this check does not depend on that. */
function checkPath(name: string): string {
  const parts = name.split('/')
  if (name.startsWith('/') || /^[a-zA-Z]:/.test(name) || name.includes('\\')) {
    throw invalid(`${quoted(name)} in the package is an absolute path or has a backslash.`)
  }
  if (parts.includes('..')) throw invalid(`${quoted(name)} in the package leads out of it.`)
  if (name.includes('\0')) throw invalid(`${quoted(name)} in the package has a NUL in its name.`)
  if (parts.some((part) => Buffer.byteLength(part) > maxNameBytes) || Buffer.byteLength(name) > maxPathBytes) {
    throw invalid(`${quoted(name)} in the package is too long: ${maxNameBytes} bytes a name, ${maxPathBytes} a path.`)
  }
  return parts.filter((part) => part !== '' && part !== '.').join('/')
}

function checkTotal(checked: Checked<ZipEntry>[], zipBytes: number, { maxUnpackedBytes }: PackageLimits): void {
  const total = checked.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0)
  if (total > maxUnpackedBytes) {
    throw invalid(`The package is ${total} bytes when unpacked; at most ${maxUnpackedBytes} are allowed.`)
  }
  if (total > ratioCountsFromBytes && total > zipBytes * maxRatio) {
    throw invalid(
      `The package grows from ${zipBytes} to ${total} bytes when unpacked; packages that grow this much are refused.`,
    )
  }
}

/** Refuses repeated paths, and paths below a file or a link: so unpacking never writes through a link. */
function checkClashes(checked: Checked<ZipEntry>[]): void {
  const leaves = new Set<string>()
  const folders = new Set<string>()
  for (const { kind, path } of checked) {
    if (kind === 'folder') folders.add(path)
    else if (leaves.has(path)) throw invalid(`${quoted(path)} is in the package twice.`)
    else leaves.add(path)
  }
  for (const { path } of checked) {
    for (const above of foldersAbove(path)) folders.add(above)
  }
  for (const path of folders) {
    if (leaves.has(path)) throw invalid(`${quoted(path)} is in the package twice: as a folder, and not as one.`)
  }
}

/** `a/b/c` → `a/b`, `a`. */
export function* foldersAbove(path: string): Generator<string> {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) yield path.slice(0, end)
}

const maxLinkSteps = 40

/** `links`: each symbolic link's path and target. Follows them as the system would; none may lead outside or loop. */
export function checkLinks(links: Map<string, string>): void {
  for (const [path, target] of links) {
    if (!staysInside(path, target, links)) {
      throw invalid(`The symbolic link ${quoted(path)} in the package leads out of it, to ${quoted(target)}.`)
    }
  }
}

function staysInside(path: string, target: string, links: Map<string, string>): boolean {
  const at = path.split('/').slice(0, -1)
  const ahead = target.split('/')
  let steps = 0
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false
  for (let part = ahead.shift(); part !== undefined; part = ahead.shift()) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (at.pop() === undefined) return false
      continue
    }
    at.push(part)
    const next = links.get(at.join('/'))
    if (next === undefined) continue
    if (++steps > maxLinkSteps || next.startsWith('/')) return false
    at.pop()
    ahead.unshift(...next.split('/'))
  }
  return true
}

/** Short enough for a message, on one line. */
const quoted = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)
