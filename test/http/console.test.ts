import { describe, expect, test } from 'vitest'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

describe('the console', () => {
  testRows(
    [
      { name: 'has no other files than its own', ask: 'GET /console/..%2fpackage.json.js', as: 'nobody', status: 404 },
      { name: 'has no file that was not built', ask: 'GET /console/nothing.js', as: 'nobody', status: 404 },
      {
        name: 'is shown to people without a token: the page asks for one',
        ask: 'GET /console',
        as: 'nobody',
        status: 200,
      },
      {
        name: 'is one page for every address below',
        ask: 'GET /console/functions/x',
        as: 'nobody',
        status: 200,
        shows: ['<!doctype html>'],
      },
    ],
    () => ({ app: makeTestApp(), made: {} }),
  )

  test('runs only its own scripts, refuses frames, and is fetched again only when it has changed', async () => {
    const app = makeTestApp()
    const { headers } = await app.request('GET', '/console', { as: 'nobody' })
    expect(headers.get('Content-Security-Policy')).toMatch(
      /default-src 'none'; script-src 'self';.*frame-ancestors 'none'/,
    )
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
    const again = await app.request('GET', '/console', {
      as: 'nobody',
      headers: { 'If-None-Match': headers.get('ETag') ?? '' },
    })
    expect(again.status).toBe(304)
  })
})
