import { rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

describe('backups', () => {
  testRows(
    [
      { name: 'are not made for strangers', ask: 'POST /v1/backups', as: 'nobody', status: 401 },
      { name: 'are made for admins only', ask: 'POST /v1/backups', status: 403 },
      { name: 'are listed for admins only', ask: 'GET /v1/backups', status: 403 },
      { name: 'are read by admins only', ask: 'GET /v1/backups/taibai-x.tar', status: 403 },
      { name: 'are deleted by admins only', ask: 'DELETE /v1/backups/taibai-x.tar', status: 403 },
      { name: 'that are not there are not found', ask: 'GET /v1/backups/taibai-x.tar', as: 'admin', status: 404 },
      { name: 'have names of their own kind', ask: 'GET /v1/backups/..%2F..%2Fetc%2Fpasswd', as: 'admin', status: 404 },
      {
        name: 'that are not there cannot be deleted',
        ask: 'DELETE /v1/backups/taibai-x.tar',
        as: 'admin',
        status: 404,
      },
      { name: 'are none at first', ask: 'GET /v1/backups', as: 'admin', status: 200, has: { backups: [] } },
    ],
    () => ({ app: makeTestApp(), made: {} }),
  )

  test('are made, listed, read and deleted', async () => {
    const app = makeTestApp()
    const made = await app.request('POST', '/v1/backups', { as: 'admin' })
    expect(made.status, made.text).toBe(201)
    expect(made.json.name).toMatch(/^taibai-2030-01-02T03-04-05Z\.tar$/)
    expect((await app.request('GET', '/v1/backups', { as: 'admin' })).json.backups).toEqual([made.json])
    const read = await app.request('GET', `/v1/backups/${made.json.name}`, { as: 'admin' })
    expect(read.headers.get('Content-Type')).toBe('application/x-tar')
    expect(read.bytes.length).toBe(made.json.size_bytes)
    expect(read.bytes.toString('latin1')).toContain('taibai-backup.json')
    expect((await app.request('DELETE', `/v1/backups/${made.json.name}`, { as: 'admin' })).status).toBe(204)
    expect((await app.request('GET', '/v1/backups', { as: 'admin' })).json.backups).toEqual([])
    rmSync(app.backupDir, { recursive: true })
  })
})
