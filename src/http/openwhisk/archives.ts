import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { unzipSync, Zip, ZipPassThrough } from 'fflate'
import { extract } from 'tar-stream'
import { whiskBadRequest } from './whisk-error.ts'

/** Archives that clients send in base64. */

const zipMark = 'UEsDB'
const gzipMark = 'H4sI'

/** Clients do not declare whether code is an archive, so its first bytes are checked. */
export const isArchive = (code: string): boolean => code.startsWith(zipMark) || code.startsWith(gzipMark)

/** Converts to a ZIP. `maxBytes`: limit of the unpacked content. Throws WhiskError. */
export async function zipIn(code: string, maxBytes: number): Promise<Buffer> {
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(code))
    throw whiskBadRequest('The code begins like an archive and is no base64.')
  const bytes = Buffer.from(code, 'base64')
  if (code.startsWith(zipMark)) return bytes
  try {
    return await zipOfTar(bytes, maxBytes)
  } catch (error) {
    throw whiskBadRequest(`There was an error uncompressing the action archive: ${(error as Error).message}`)
  }
}

/** Works in pieces and yields in between. The ZIP is not compressed, because it is unpacked next. */
async function zipOfTar(gzip: Buffer, maxBytes: number): Promise<Buffer> {
  const reading = extract()
  const done = pipeline(Readable.from([gzip]), createGunzip(), (source) => noMoreThan(source, maxBytes), reading)
  const pieces: Uint8Array[] = []
  const zip = new Zip((error, piece) => {
    if (error !== null) throw error
    pieces.push(piece)
  })
  const taking = (async () => {
    for await (const entry of reading) {
      const { type, mode = 0o644, name } = entry.header
      const file = type === 'file' ? new ZipPassThrough(name.replace(/^(\.\/)+/, '')) : null
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

const asOnUnix = (mode: number) => ({ os: 3, attrs: ((0o100000 | mode) << 16) >>> 0 })

/** The text of a package's only file; null: it has several. */
export function onlyFileIn(zip: Buffer): string | null {
  const names: string[] = []
  unzipSync(zip, { filter: ({ name }) => !name.endsWith('/') && names.push(name) === 0 })
  const [only] = names
  if (only === undefined || names.length > 1) return null
  const { [only]: file } = unzipSync(zip, { filter: ({ name }) => name === only })
  return file === undefined ? null : Buffer.from(file).toString('utf8')
}
