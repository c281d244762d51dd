import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { unzipSync } from 'fflate'
import { zipOfTar } from '../../services/functions/zip-of-tar.ts'
import { whiskBadRequest } from './whisk-error.ts'

/** Archives that clients send in base64. */

const zipMark = 'UEsDB'
const gzipMark = 'H4sI'

/** Clients do not declare whether code is an archive, so its first bytes are checked. */
export const isArchive = (code: string): boolean => code.startsWith(zipMark) || code.startsWith(gzipMark)

/** Converts to a ZIP. `maxBytes`: limit of the unpacked content. Throws WhiskError. */
export async function zipIn(code: string, maxBytes: number): Promise<Buffer> {
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(code))
    throw whiskBadRequest('The code begins like an archive and is not base64.')
  const bytes = Buffer.from(code, 'base64')
  if (code.startsWith(zipMark)) return bytes
  try {
    return await zipOfTar(Readable.from([bytes]).pipe(createGunzip()), maxBytes)
  } catch (error) {
    throw whiskBadRequest(`There was an error uncompressing the action archive: ${(error as Error).message}`)
  }
}

/** The text of a package's only file; null: it has several. */
export function onlyFileIn(zip: Buffer): string | null {
  const names: string[] = []
  unzipSync(zip, { filter: ({ name }) => !name.endsWith('/') && names.push(name) === 0 })
  const [only] = names
  if (only === undefined || names.length > 1) return null
  const { [only]: file } = unzipSync(zip, { filter: ({ name }) => name === only })
  return file === undefined ? null : Buffer.from(file).toString('utf8')
}
