import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib'
import { FaasError, invalid } from '../../domain/errors.ts'
import { tooLarge } from './body-errors.ts'

type Unpack = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const unpackers: Record<string, Unpack> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
}

/**
 * Decompresses a body off the event loop. Throws FaasError `too_large` for more than `maxBytes` of output,
 * `unsupported_media_type` for an unknown encoding, `invalid_request` for invalid data.
 */
export async function unpacked(body: Buffer, encoding: string | undefined, maxBytes: number): Promise<Buffer> {
  let bytes = body
  for (const name of encodingsOf(encoding).reverse()) {
    const unpack = unpackers[name]
    if (unpack === undefined) {
      const known = Object.keys(unpackers).join(', ')
      throw new FaasError(
        'unsupported_media_type',
        `Content-Encoding ${name} is not supported; send one of ${known}, or none.`,
      )
    }
    bytes = await unpack(bytes, { maxOutputLength: maxBytes }).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : invalid(`The body is not valid ${name}.`)
    })
  }
  return bytes
}

/** No legitimate client applies more encodings. */
const mostEncodings = 3

function encodingsOf(header = ''): string[] {
  const names = header
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity')
  if (names.length > mostEncodings) throw invalid('Content-Encoding names too many encodings.')
  return names
}
