import { describe, expect, test } from 'vitest'
import { matchesImage } from '../../src/domain/functions/image.ts'
import { makeTestApp } from '../support/test-app.ts'

test.each([
  ['python:3.13', 'python:3.13', true],
  ['python:3.13', 'python:3.12', false],
  ['python:*', 'python:3.12', true],
  ['python:*', 'pythons:3.12', false],
  ['registry.example.org/team/*', 'registry.example.org/team/app@sha256:00', true],
  ['registry.example.org/team/*', 'registry.example.org/teams/app', false],
  ['registry.example.org/team/*', 'evil.example/registry.example.org/team/app', false],
  ['*/app:*-slim', 'team/app:1-slim', true],
  ['*/app:*-slim', 'team/app:1', false],
  ['a*a', 'a', false],
  ['*', 'whatever', true],
])('the pattern %s and the image %s: %j', (pattern, image, fits) => {
  expect(matchesImage(pattern, image)).toBe(fits)
})

describe('With a list of images that members may run', () => {
  const code = (image: string) => ({ source: 'image', image })
  const setUp = () => makeTestApp({ imageAllow: ['team/*'] })

  test('another one is refused to members, in whatever way they ask for it, and nothing is made', async () => {
    const app = setUp()
    const made = await app.request('POST', '/v1/functions', { json: { name: 'own', code: code('team/app') } })
    expect(made.status).toBe(201)
    const refusals = [
      await app.request('POST', '/v1/functions', { json: { name: 'other', code: code('secret/app') } }),
      await app.request('PUT', '/v1/functions/own', { json: { image: 'secret/app' } }),
    ]
    for (const { status, json } of refusals) {
      expect([status, json.faultstring]).toEqual([403, expect.stringContaining('TAIBAI_IMAGE_ALLOW')])
    }
    const action = { exec: { kind: 'blackbox', image: 'secret/app' } }
    const whisk = await app.request('PUT', '/api/v1/namespaces/_/actions/other', { json: action })
    expect([whisk.status, whisk.json.error]).toEqual([403, expect.stringContaining('secret/app')])
    expect((await app.request('GET', '/v1/functions/other')).status).toBe(404)
    expect((await app.request('GET', '/v1/functions/own')).json.code.image).toBe('team/app')
  })

  test('admins may take any', async () => {
    const json = { name: 'other', code: code('secret/app') }
    expect((await setUp().request('POST', '/v1/functions', { as: 'admin', json })).status).toBe(201)
  })
})
