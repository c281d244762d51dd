import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { PasswordSeal } from '../../src/domain/platform/registry.ts'
import { seal, unseal } from '../../src/services/platform/sealing.ts'
import { PulledImageNotes } from '../../src/store/pulled-images.ts'
import { RegistryLogins } from '../../src/store/registry-logins.ts'

const sealOf = (key: Buffer): PasswordSeal => ({
  seal: (registry, password) => seal(key, registry, password).toString('base64'),
  unseal: (registry, sealed) => unseal(key, registry, Buffer.from(sealed, 'base64')),
})
const own = sealOf(Buffer.alloc(32, 1))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taibai-logins-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('credentials last in a file that only its owner can read, and only who asks for one gets the password', () => {
  const file = join(folder, 'registries.json')
  const login = { registry: 'ghcr.io', username: 'me', createdAt: 1 }
  new RegistryLogins(file, own).set(login, 'secret')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file, 'utf8')).not.toContain('secret')
  expect(new RegistryLogins(file, sealOf(Buffer.alloc(32, 2))).find('ghcr.io')).toBeNull()
  const again = new RegistryLogins(file, own)
  expect(again.list()).toEqual([login])
  expect(again.find('ghcr.io')).toEqual({ registry: 'ghcr.io', username: 'me', password: 'secret' })
  expect(again.find('docker.io')).toBeNull()
  expect(again.remove('ghcr.io')).toBe(true)
  expect(again.remove('ghcr.io')).toBe(false)
  expect(readFileSync(file, 'utf8')).toBe('[]')
})

test('a damaged file is a sentence', () => {
  writeFileSync(join(folder, 'registries.json'), '{')
  expect(() => new RegistryLogins(join(folder, 'registries.json'), own)).toThrow(/is not valid JSON/)
})

test('which images were fetched is remembered', () => {
  const file = join(folder, 'pulled.json')
  new PulledImageNotes(file).note('alpine:latest')
  const again = new PulledImageNotes(file)
  expect(again.names()).toEqual(['alpine:latest'])
  again.forget('alpine:latest')
  expect(new PulledImageNotes(file).names()).toEqual([])
})
