import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { keyBytes } from './sealing.ts'

/** Where the operator keeps the key. */
export interface GivenKey {
  /** The key in base64 or hex. */
  secretKey?: string | undefined
  /** A file with the key. */
  secretKeyFile?: string | undefined
}

/**
 * The installation's key: the operator's, else the one in the data folder, else a new one that only its owner can read. Throws an
 * Error with a sentence for an invalid key.
 */
export function ensureSecretKey(path: string, { secretKey, secretKeyFile }: GivenKey = {}): Buffer {
  if (secretKey !== undefined) return parsed(secretKey, 'TAIBAI_SECRET_KEY')
  if (secretKeyFile !== undefined) return parsed(read(secretKeyFile), `The file ${secretKeyFile}`)
  if (existsSync(path)) {
    chmodSync(path, 0o600)
    return parsed(read(path), `The file ${path}`)
  }
  const key = randomBytes(keyBytes)
  writeFileSync(path, `${key.toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
  return key
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Error(`The key of the secrets cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function parsed(text: string, where: string): Buffer {
  const written = text.trim()
  const key = /^[0-9a-f]{64}$/i.test(written) ? Buffer.from(written, 'hex') : Buffer.from(written, 'base64')
  if (key.length === keyBytes) return key
  throw new Error(
    `${where} holds no key: it must be ${keyBytes} bytes in base64 or hex, as of: openssl rand -base64 32`,
  )
}
