import { chmod, mkdir, open, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32, createInflateRaw, inflateRaw } from 'node:zlib'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { FaasError } from '../domain/errors.ts'
import { type DiskSpace, unlimitedSpace } from '../domain/platform/disk-space.ts'
import { type Checked, checkCount, checkEntries, checkLinks, foldersAbove, type PackageLimits } from './zip-check.ts'

/** Files written at once. */
const parallel = 16
/** Larger files are written while they are inflated. */
const wholeFileBytes = 1024 * 1024

/**
 * Unpacks a ZIP into a new folder: files get mode 0444, or 0555 when executable; folders 0555; links stay. Throws FaasError
 * `invalid_request` for an unacceptable ZIP and `storage_full` when the disk is full; the folder may then be incomplete. Files
 * keep their times, because Python uses a compiled module only when it matches its source's time. Those without one have the
 * time of unpacking: browsers compare times, and the ETags that web frameworks make of them, with those of earlier code.
 */
export async function unpack(
  zip: Buffer,
  folder: string,
  limits: PackageLimits,
  space: DiskSpace = unlimitedSpace,
): Promise<void> {
  const file = await refusing('is not a ZIP file', () => yauzl.fromBufferPromise(zip))
  checkCount(file.entryCount, limits)
  const entries = await refusing('is not a sound ZIP file', () => collect(file))
  const checked = checkEntries(entries, zip.length, limits)
  const links = await readLinks(zip, file, checked)
  checkLinks(links)
  space.refuseMore(zip.length + checked.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0))

  const folders = foldersOf(checked)
  await mkdir(folder)
  for (const path of folders) await mkdir(join(folder, path))
  const files = checked.filter(({ kind }) => kind === 'file' || kind === 'executable')
  await eachOf(files, parallel, (each) => writeFile(zip, file, each, join(folder, each.path)))
  for (const [path, target] of links) await symlink(target, join(folder, path))
  for (const path of folders.toReversed()) await chmod(join(folder, path), 0o555)
  await chmod(folder, 0o555)
}

async function collect(file: ZipFile): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const entry of file.eachEntry()) entries.push(entry)
  return entries
}

/** Every folder, named or implied; parents first. */
function foldersOf(checked: Checked<Entry>[]): string[] {
  const folders = new Set<string>()
  for (const { kind, path } of checked) {
    if (kind === 'folder') folders.add(path)
    for (const above of foldersAbove(path)) folders.add(above)
  }
  return [...folders].sort()
}

async function readLinks(zip: Buffer, file: ZipFile, checked: Checked<Entry>[]): Promise<Map<string, string>> {
  const links = new Map<string, string>()
  for (const { kind, path, entry } of checked) {
    if (kind === 'link')
      links.set(path, (await wholeContent(entry, await compressedBytes(zip, file, entry))).toString())
  }
  return links
}

/** Resolves when the file is on disk: a package with its final name is complete, even after a power failure. */
async function writeFile(zip: Buffer, file: ZipFile, { entry, kind }: Checked<Entry>, path: string): Promise<void> {
  const bytes = await compressedBytes(zip, file, entry)
  const handle = await open(path, 'wx')
  try {
    // Set explicitly, whatever the server's umask: workers are other users.
    await handle.chmod(kind === 'executable' ? 0o555 : 0o444)
    await handle.writeFile(isSmall(entry) ? await wholeContent(entry, bytes) : inflatedPieces(entry, bytes))
    const time = timeOf(entry)
    if (time !== null) await handle.utimes(time, time)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** To the second where the ZIP has extended times, as Info-ZIP's do; else to two seconds, in this host's time zone. Null: none. */
function timeOf(entry: Entry): Date | null {
  const time = entry.getLastModDate()
  return Number.isFinite(time.getTime()) && time.toDateString() !== firstDay ? time : null
}

/** The first day that a ZIP can express, which reproducible ones have. */
const firstDay = new Date(1980, 0, 1).toDateString()

function compressedBytes(zip: Buffer, file: ZipFile, entry: Entry): Promise<Buffer> {
  return refusing('is not a sound ZIP file', async () => {
    const { fileDataStart } = await file.readLocalFileHeaderPromise(entry, { minimal: true })
    return zip.subarray(fileDataStart, fileDataStart + entry.compressedSize)
  })
}

const inflated = promisify(inflateRaw)

async function wholeContent(entry: Entry, bytes: Buffer): Promise<Buffer> {
  const maxOutputLength = Math.max(1, entry.uncompressedSize)
  const content = await refusing(wrongContent(entry), () =>
    entry.compressionMethod === 0 ? bytes : inflated(bytes, { maxOutputLength }),
  )
  checkContent(entry, content.length, crc32(content))
  return content
}

/** Stops as soon as the content is longer than the ZIP declares. */
async function* inflatedPieces(entry: Entry, bytes: Buffer): AsyncGenerator<Buffer> {
  const inflate = createInflateRaw({ chunkSize: 64 * 1024 })
  inflate.end(bytes)
  let length = 0
  let sum = 0
  try {
    for await (const piece of inflate) {
      length += piece.length
      sum = crc32(piece, sum)
      if (length > entry.uncompressedSize) break
      yield piece
    }
  } catch (error) {
    throw unusable(wrongContent(entry), error)
  }
  checkContent(entry, length, sum)
}

/** Stored content is in memory already. */
const isSmall = (entry: Entry): boolean => entry.compressionMethod === 0 || entry.uncompressedSize <= wholeFileBytes

function checkContent(entry: Entry, length: number, sum: number): void {
  if (length !== entry.uncompressedSize || sum !== entry.crc32) throw unusable(wrongContent(entry))
}

const wrongContent = (entry: Entry): string => `does not hold what it says in ${JSON.stringify(entry.fileName)}`

const unusable = (why: string, cause?: unknown): FaasError =>
  new FaasError('invalid_request', `The package ${why.replace(/\.$/, '')}.`, { cause })

/** Errors of yauzl and zlib concern the ZIP; those of yauzl are readable sentences. */
async function refusing<T>(why: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const isFromYauzl = error instanceof Error && !('code' in error)
    throw unusable(isFromYauzl ? `${why}: ${error.message.slice(0, 200)}` : why, error)
  }
}

/** The first failure ends it, once active work has ended. */
async function eachOf<T>(items: T[], atOnce: number, act: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values()
  const lane = async () => {
    for (const item of waiting) await act(item)
  }
  const lanes = await Promise.allSettled(Array.from({ length: atOnce }, lane))
  for (const { status, reason } of lanes as PromiseRejectedResult[]) if (status === 'rejected') throw reason
}
