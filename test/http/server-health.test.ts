import { describe, expect, test } from 'vitest'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

describe('the health of the installation', () => {
  testRows(
    [
      { name: 'is not told to strangers', ask: 'GET /v1/health', as: 'nobody', status: 401 },
      { name: 'is not told to members', ask: 'GET /v1/health', status: 403 },
    ],
    () => ({ app: makeTestApp(), made: {} }),
  )

  test('reports findings with their states and remedies', async () => {
    const app = makeTestApp()
    const { status, json } = await app.request('GET', '/v1/health', { as: 'admin' })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      version: '1.2.3',
      now: '2030-01-02T03:04:05Z',
      state: 'warning',
      engine: { name: 'Docker', api_version: '1.52' },
      data: { path: '/data' },
      last_backup_at: null,
    })
    expect(json.findings).toContainEqual({
      area: 'engine',
      state: 'ok',
      says: 'Docker 29.0.1, API 1.52, control groups 2.',
      remedy: null,
    })
    const backup = json.findings.find(({ area }: { area: string }) => area === 'backups')
    expect(backup).toMatchObject({ state: 'warning', remedy: expect.stringContaining('taibai backup') })
  })
})
