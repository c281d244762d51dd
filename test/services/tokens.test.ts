import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { timeOrderedId } from '../../src/domain/ids.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import { ensureAdminToken } from '../../src/services/platform/admin-token.ts'
import { Tokens } from '../../src/services/platform/tokens.ts'
import { FakeClock } from '../support/fake-clock.ts'

describe('the admin token', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tokens-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('is made at the first start, for its owner only, and kept', () => {
    const path = join(folder, 'data', 'admin.token')
    const token = ensureAdminToken(path)
    expect(token).toMatch(/^tb_[\w-]{43}$/)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8').trim()).toBe(token)
    expect(ensureAdminToken(path)).toBe(token)
  })

  test('is closed to others again when its file was opened', () => {
    const path = join(folder, 'admin.token')
    writeFileSync(path, 'a-token-of-some-length\n', { mode: 0o644 })
    expect(ensureAdminToken(path)).toBe('a-token-of-some-length')
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('is the configured one, which is not written anywhere', () => {
    const path = join(folder, 'admin.token')
    expect(ensureAdminToken(path, 'configured-token')).toBe('configured-token')
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('is not an empty file', () => {
    const path = join(folder, 'admin.token')
    writeFileSync(path, '')
    expect(() => ensureAdminToken(path)).toThrow('delete it')
  })

  test('stands for an admin of the default project', () => {
    const none = { insert() {}, list: () => [], update() {}, noteUsed() {}, delete: () => false }
    const tokens = new Tokens({ tokens: none, clock: new FakeClock(), newId: timeOrderedId, log: silentLog })
    tokens.admit('the-admin-token')
    expect(tokens.authenticate('the-admin-token')).toMatchObject({
      projectId: 'default',
      roles: ['admin'],
      isAdmin: true,
    })
    expect([tokens.authenticate(null), tokens.authenticate('another')]).toEqual([null, null])
  })
})
