import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { newSecret } from './token-secret.ts'

/**
 * The admin token: the operator's, else the one in the file, else a new one that only its owner can read. To replace it, delete
 * the file and restart.
 */
export function ensureAdminToken(path: string, configured?: string): string {
  if (configured !== undefined) return configured
  if (existsSync(path)) return readAdminToken(path)
  const secret = newSecret()
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, `${secret}\n`, { mode: 0o600, flag: 'wx' })
  return secret
}

function readAdminToken(path: string): string {
  chmodSync(path, 0o600)
  const secret = readFileSync(path, 'utf8').trim()
  if (secret.length < 16) throw new Error(`${path} contains no token: delete it, and the next start makes a new one.`)
  return secret
}
