import { gunzipSync } from 'node:zlib'
import { unzipSync, type Zippable, zipSync } from 'fflate'
import { extract } from 'tar-stream'
import { badRequest } from './whisk-error.ts'

/** Archives as clients send them, in base64. */

const zipMark = 'UEsDB'
const gzipMark = 'H4sI'

/** Clients do not say whether code is an archive: its first bytes do. */
export const isArchive = (code: string): boolean => code.startsWith(zipMark) || code.startsWith(gzipMark)

/** As a ZIP. `maxBytes`: of what is in it. Throws WhiskError. */
export async function zipIn(code: string, maxBytes: number): Promise<Buffer> {
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(code)) throw badRequest('The code begins like an archive and is no base64.')
  const bytes = Buffer.from(code, 'base64')
  return code.startsWith(zipMark) ? bytes : zipOfTar(unpacked(bytes, maxBytes))
}

function unpacked(bytes: Buffer, maxOutputLength: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength })
  } catch (error) {
    throw badRequest(`There was an error uncompressing the action archive: ${(error as Error).message}`)
  }
}

async function zipOfTar(tar: Buffer): Promise<Buffer> {
  const files: Zippable = {}
  const reading = extract()
  reading.end(tar)
  try {
    for await (const entry of reading) {
      const pieces: Uint8Array[] = []
      for await (const piece of entry) pieces.push(piece as Uint8Array)
      const { type, mode = 0o644, name } = entry.header
      if (type === 'file') files[name.replace(/^(\.\/)+/, '')] = [Buffer.concat(pieces), asOnUnix(mode)]
    }
  } catch (error) {
    throw badRequest(`There was an error uncompressing the action archive: ${(error as Error).message}`)
  }
  return Buffer.from(zipSync(files))
}

const asOnUnix = (mode: number) => ({ os: 3, attrs: ((0o100000 | mode) << 16) >>> 0 })

/** The text of the one file of a package; null: it has others. */
export function onlyFileIn(zip: Buffer): string | null {
  const files = Object.entries(unzipSync(zip)).filter(([name]) => !name.endsWith('/'))
  const [first] = files
  return files.length === 1 && first !== undefined ? Buffer.from(first[1]).toString('utf8') : null
}
