import { describe, expect, test } from 'vitest'
import { aFinishedExecution } from '../support/builders.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

describe('the history of all calls', () => {
  testRows(
    [
      { name: 'is not read by strangers', ask: 'GET /v1/history', as: 'nobody', status: 401 },
      { name: 'is not read by members', ask: 'GET /v1/history', status: 403 },
      { name: 'begins at a time', ask: 'GET /v1/history?since=soon', as: 'admin', status: 400 },
    ],
    () => ({ app: makeTestApp(), made: {} }),
  )

  test('is a line for each call that has ended, without what went in and out', async () => {
    const app = makeTestApp()
    app.ledger.open(aFinishedExecution({ functionId: 'early', createdAt: 1000 }))
    const late = aFinishedExecution({ functionId: 'late', createdAt: Date.parse('2030-01-01T00:00:00Z') })
    app.ledger.open(late)
    const all = await app.request('GET', '/v1/history', { as: 'admin' })
    expect(
      all.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)[0]),
    ).toEqual(['early', 'late'])
    const some = await app.request('GET', '/v1/history?since=2029-12-31T00:00:00Z', { as: 'admin' })
    expect(JSON.parse(some.text)).toEqual([
      'late',
      late.functionVersion,
      late.createdAt,
      late.phases?.run,
      late.phases?.acquire,
      late.startKind,
      late.memoryPeakMb,
    ])
  })
})
