import { pipeline } from 'node:stream/promises'
import { Zip, ZipPassThrough } from 'fflate'
import { extract } from 'tar-stream'

/**
 * Converts a tar to a ZIP, which is not compressed, because it is unpacked next. Works in pieces and yields in between. `maxBytes`:
 * limit of the whole tar; `nameOf`: the name of a file in the ZIP. Only files are kept.
 */
export async function zipOfTar(
  tar: AsyncIterable<Buffer>,
  maxBytes: number,
  nameOf = (name: string): string => name.replace(/^(\.\/)+/, ''),
): Promise<Buffer> {
  const reading = extract()
  const done = pipeline(noMoreThan(tar, maxBytes), reading)
  const pieces: Uint8Array[] = []
  const zip = new Zip((error, piece) => {
    if (error !== null) throw error
    pieces.push(piece)
  })
  const taking = (async () => {
    for await (const entry of reading) {
      const { type, mode = 0o644, name } = entry.header
      const file = type === 'file' ? new ZipPassThrough(nameOf(name)) : null
      if (file !== null) zip.add(Object.assign(file, asOnUnix(mode)))
      for await (const piece of entry) file?.push(piece as Uint8Array)
      file?.push(new Uint8Array(0), true)
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
    if (bytes > maxBytes) throw new Error(`it has more than ${maxBytes} bytes.`)
    yield piece
  }
}

/** ZIPs carry local time: with this one, the same files give the same bytes. */
const fixedTime = new Date(1980, 0, 1)

const asOnUnix = (mode: number) => ({ mtime: fixedTime, os: 3, attrs: ((0o100000 | mode) << 16) >>> 0 })
