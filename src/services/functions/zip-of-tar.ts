import { dirname, isAbsolute, join, normalize } from 'node:path/posix'
import { pipeline } from 'node:stream/promises'
import { Zip, ZipPassThrough } from 'fflate'
import { extract } from 'tar-stream'

/**
 * Converts a tar to a ZIP, which is not compressed, because it is unpacked next. Works in pieces and yields in between. `maxBytes`:
 * limit of the whole tar and of the files in it; `nameOf`: the name of a file in the ZIP. Kept are files, hard links to them, and
 * symbolic links that stay inside; others, such as those of a virtualenv to its Python, are left out. Devices are refused.
 */
export async function zipOfTar(
  tar: AsyncIterable<Buffer>,
  maxBytes: number,
  nameOf = (name: string): string => name.replace(/^(\.\/)+/, ''),
  mostFiles = mostInZip,
): Promise<Buffer> {
  const reading = extract()
  const done = pipeline(noMoreThan(tar, maxBytes), reading)
  const pieces: Uint8Array[] = []
  const zip = new Zip((error, piece) => {
    if (error !== null) throw error
    pieces.push(piece)
  })
  /** The pieces of each file, for hard links to it; the ZIP has the same ones. */
  const contents = new Map<string, Uint8Array[]>()
  let files = 0
  let bytes = 0
  const taking = (async () => {
    for await (const entry of reading) {
      const { type, mode = 0o644, name, linkname = '' } = entry.header
      const read: Uint8Array[] = []
      for await (const piece of entry) read.push(piece as Uint8Array)
      if (devices.has(`${type}`)) throw new Error(`"${name}" is neither a file nor a folder nor a link.`)
      const isLink = type === 'symlink' && staysInside(nameOf(name), linkname)
      const link = isLink ? [Buffer.from(linkname)] : undefined
      const content = link ?? (type === 'file' ? read : type === 'link' ? contents.get(linkname) : undefined)
      if (content === undefined) continue
      if (!isLink) contents.set(name, content)
      bytes += content.reduce((sum, { length }) => sum + length, 0)
      if (bytes > maxBytes) throw tooLarge(maxBytes)
      if (++files > mostFiles) throw new Error(`it has more than ${mostFiles} files.`)
      const file = new ZipPassThrough(nameOf(name))
      zip.add(Object.assign(file, asOnUnix(isLink ? symbolicLink : regularFile | mode)))
      for (const piece of content) file.push(piece)
      file.push(new Uint8Array(0), true)
    }
    zip.end()
  })()
  await Promise.all([done, taking])
  return Buffer.concat(pieces)
}

async function* noMoreThan(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const piece of source) {
    bytes += piece.length
    if (bytes > maxBytes) throw tooLarge(maxBytes)
    yield piece
  }
}

const tooLarge = (maxBytes: number): Error => new Error(`it has more than ${maxBytes} bytes.`)

/** A ZIP of this form counts no more. */
const mostInZip = 65_535

/** ZIPs carry local time: with this one, the same files give the same bytes. */
const fixedTime = new Date(1980, 0, 1)

const asOnUnix = (mode: number) => ({ mtime: fixedTime, os: 3, attrs: (mode << 16) >>> 0 })

const regularFile = 0o100000
const symbolicLink = 0o120777

const devices = new Set(['character-device', 'block-device', 'fifo'])

/** `path`: where the link is. */
const staysInside = (path: string, target: string): boolean =>
  target !== '' && !isAbsolute(target) && !normalize(join(dirname(path), target)).startsWith('..')
