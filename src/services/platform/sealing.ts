import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/**
 * Encryption with the installation's key: AES-256-GCM with a new nonce for each value. The owner of a value is authenticated with
 * it, so an encrypted value is useless in another place.
 */

const algorithm = 'aes-256-gcm'
export const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
/** First byte of the format; a new format gets another number. */
const format = 1

/** Distinguishes keys without revealing them. */
export const keyIdOf = (key: Buffer): string =>
  createHash('sha256').update('taibai secret key').update(key).digest('hex').slice(0, 16)

export function seal(key: Buffer, belongsTo: string, value: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(belongsTo))
  const hidden = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
  return Buffer.concat([Buffer.of(format), nonce, cipher.getAuthTag(), hidden])
}

/** Null: encrypted with another key or for another owner, or changed since. */
export function unseal(key: Buffer, belongsTo: string, sealed: Buffer): string | null {
  const head = 1 + nonceBytes + tagBytes
  if (sealed.length < head || sealed[0] !== format) return null
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(1, 1 + nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(belongsTo))
  decipher.setAuthTag(sealed.subarray(1 + nonceBytes, head))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(head)), decipher.final()]).toString('utf8')
  } catch {
    return null
  }
}
