import { strToU8, zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { imageCode } from '../../src/console/pages/image-code.ts'
import { makeTestApp } from '../support/test-app.ts'

const texts = { image: 'me/node-env', mode: 'fission', port: '', entry: '' }

describe('an image in the form of a new function', () => {
  test('has the name of its function only as an environment of Fission, and a port only where it listens', () => {
    expect(imageCode({ ...texts, entry: 'user.main', port: '8000' })).toMatchObject({
      port: 8000,
      init: { main: 'user.main' },
    })
    expect(imageCode({ ...texts, mode: 'command', entry: 'user.main', port: '8000' })).toEqual({
      ...{ source: 'image', image: 'me/node-env', mode: 'command' },
    })
  })

  test('refuses a port that is not a number', () => {
    expect(() => imageCode({ ...texts, port: 'http' })).toThrow('"http" is not a number')
  })

  test('is taken by the API with a package beside it, which is replaced alone', async () => {
    const app = makeTestApp()
    const code = JSON.stringify(imageCode({ ...texts, entry: 'user.main' }))
    const zip = (text: string) => Buffer.from(zipSync({ 'user.js': strToU8(text) }))
    const headers = { 'Content-Type': 'application/zip', Prefer: 'respond-async' }
    const path = `/v1/functions?${new URLSearchParams({ name: 'shop', code })}`
    const made = await app.request('POST', path, { body: zip('1'), headers, as: 'admin' })
    expect([made.status, made.text]).toEqual([201, expect.stringContaining('"user.main"')])
    const { id, code: first } = made.json as { id: string; code: { md5sum: string } }
    expect(first.md5sum).toMatch(/^[0-9a-f]{32}$/)
    const again = { body: zip('2'), headers, as: 'admin' } as const
    const { status, json } = await app.request('PUT', `/v1/functions/${id}?keep_jobs=true`, again)
    expect(status).toBe(200)
    expect(json).toMatchObject({ code: { image: 'me/node-env', mode: 'fission', init: { main: 'user.main' } } })
    expect((json as { code: { md5sum: string } }).code.md5sum).not.toBe(first.md5sum)
  })
})
