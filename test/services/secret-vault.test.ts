import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keyIdOf, seal, unseal } from '../../src/services/platform/sealing.ts'
import { ensureSecretKey } from '../../src/services/platform/secret-key.ts'
import { SecretVault } from '../../src/services/platform/secret-vault.ts'
import { Database } from '../../src/store/database.ts'
import { SecretRows } from '../../src/store/secrets.ts'

const key = Buffer.alloc(32, 1)
const other = Buffer.alloc(32, 2)

describe('a sealed value', () => {
  test.each([
    ['with another key', other, 'a/b/1'],
    ['instead of another', key, 'a/b/2'],
  ])('cannot be opened %s', (_how, with_, place) => {
    expect(unseal(with_, place, seal(key, 'a/b/1', 'value'))).toBeNull()
  })

  test('cannot be opened when one bit of it has changed, whichever', () => {
    const sealed = seal(key, 'a', 'value')
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed[at] = (changed[at] as number) ^ 1
      expect(unseal(key, 'a', changed), `byte ${at}`).toBeNull()
    }
    expect(unseal(key, 'a', sealed.subarray(0, 20))).toBeNull()
  })

  test('is what it was, shows nothing of it, and is another one each time', () => {
    const [first, second] = [seal(key, 'a', 'vålue'), seal(key, 'a', 'vålue')]
    expect([unseal(key, 'a', first), unseal(key, 'a', second)]).toEqual(['vålue', 'vålue'])
    expect(first.equals(second)).toBe(false)
    expect(first.includes('vålue')).toBe(false)
  })
})

describe('the key of the installation', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'taibai-key-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test.each([
    ['given as such', { secretKey: 'short' }, 'TAIBAI_SECRET_KEY holds no key'],
    ['given in a file that is not there', { secretKeyFile: '/nowhere/key' }, 'cannot be read'],
  ])('is refused with a sentence when it is none, %s', (_how, given, sentence) => {
    expect(() => ensureSecretKey(join(folder, 'secret.key'), given)).toThrow(sentence)
  })

  test('is made once, for its owner alone, and found again', () => {
    const path = join(folder, 'secret.key')
    const made = ensureSecretKey(path)
    expect(made).toHaveLength(32)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(ensureSecretKey(path).equals(made)).toBe(true)
    writeFileSync(path, 'nothing')
    expect(() => ensureSecretKey(path)).toThrow(`${path} holds no key`)
  })

  test('is the operator’s where one was given, in base64 or hex, and then there is none in the folder', () => {
    const path = join(folder, 'secret.key')
    const file = join(folder, 'given')
    writeFileSync(file, `${key.toString('hex')}\n`)
    expect(ensureSecretKey(path, { secretKeyFile: file }).equals(key)).toBe(true)
    expect(ensureSecretKey(path, { secretKey: key.toString('base64') }).equals(key)).toBe(true)
    expect(existsSync(path)).toBe(false)
  })

  test('tells nothing of itself in its id', () => {
    expect(keyIdOf(key)).toMatch(/^[0-9a-f]{16}$/)
    expect(keyIdOf(key)).not.toBe(keyIdOf(other))
  })
})

describe('the vault', () => {
  const secret = {
    id: 's1',
    projectId: 'red',
    name: 'DB_URL',
    description: null,
    latestVersion: 1,
    createdAt: 1,
    updatedAt: null,
  }

  test('opens what it sealed, says whose key is missing, and keeps nothing readable on the disk', () => {
    const folder = mkdtempSync(join(tmpdir(), 'taibai-vault-'))
    const database = new Database(join(folder, 'taibai.db'))
    const rows = new SecretRows(database)
    const vault = new SecretVault(rows, key)
    rows.insert(secret, vault.sealed(secret, 1, 'postgres://hidden', 1))
    const uses = [
      { name: 'DB_URL', as: 'env', to: 'URL' },
      { name: 'DB_URL', as: 'file', to: 'url' },
    ] as const
    expect(vault.bound('red', uses)).toEqual({ env: { URL: 'postgres://hidden' }, files: { url: 'postgres://hidden' } })
    expect(() => vault.open('blue', 'DB_URL')).toThrow('Secret DB_URL was not found')
    expect(vault.lost).toBe(0)
    const stranger = new SecretVault(rows, other)
    expect(stranger.lost).toBe(1)
    expect(() => stranger.open('red', 'DB_URL')).toThrow('sealed with another key')
    for (const name of ['taibai.db', 'taibai.db-wal']) {
      expect(readFileSync(join(folder, name)).includes('hidden'), name).toBe(false)
    }
    database.close()
    rmSync(folder, { recursive: true })
  })

  test('keeps the newest versions', () => {
    const database = new Database(':memory:')
    const rows = new SecretRows(database)
    const vault = new SecretVault(rows, key)
    rows.insert(secret, vault.sealed(secret, 1, 'v1', 1))
    for (let number = 2; number <= 5; number++) {
      rows.addVersion({ ...secret, latestVersion: number }, vault.sealed(secret, number, `v${number}`, number), 3)
    }
    expect(rows.listVersions('s1').map(({ number }) => number)).toEqual([5, 4, 3])
    expect(vault.open('red', 'DB_URL')).toBe('v5')
    expect(() => vault.valueAt(secret, 2)).toThrow('Version 2')
    rows.delete('s1')
    expect(rows.listVersions('s1')).toEqual([])
    database.close()
  })
})
