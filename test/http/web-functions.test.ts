import { describe, expect, test } from 'vitest'
import { listening, rawAnswer } from '../support/listening.ts'

/** The request as a web function receives it. */

async function calledWith(target: string, headers: Record<string, string> = {}, settings = {}) {
  const { app, port } = await listening({ settings, signature: 'http' })
  const lines = Object.entries({ 'X-Auth-Token': 'token-of-alice', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  const host = headers.Host === undefined ? ['Host: faas.example:7070'] : []
  await rawAnswer(port, [`GET ${target} HTTP/1.1`, ...host, ...lines, 'Connection: close', '', ''].join('\r\n'))
  return app.pool.calls[0]?.call.http
}

describe('the path of a web function', () => {
  test.each([
    ['/fn/hello', '/fn/hello', '/'],
    ['/fn/hello/', '/fn/hello', '/'],
    ['/fn/hello?a=1', '/fn/hello', '/?a=1'],
    ['/fn/hello/items/1?a=%2F&b', '/fn/hello', '/items/1?a=%2F&b'],
    ['/fn/%68ello/items', '/fn/%68ello', '/items'],
    ['/fn/hello//items', '/fn/hello', '//items'],
  ])('%s', async (target, prefix, below) => {
    const url = `http://faas.example:7070${target}`
    expect(await calledWith(target)).toMatchObject({ method: 'GET', prefix, target: below, url })
  })

  test('is also in a header, which callers cannot forge', async () => {
    const http = await calledWith('/fn/hello/items', { 'X-Forwarded-Prefix': '/elsewhere' })
    expect(http?.headers.filter(([name]) => name === 'x-forwarded-prefix')).toEqual([
      ['x-forwarded-prefix', '/fn/hello'],
    ])
  })

  test('is below the prefix of a proxy that is trusted', async () => {
    const proxy = { 'X-Forwarded-Prefix': '/faas/', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'out.example' }
    expect(await calledWith('/fn/hello/items', proxy, { trustProxy: true })).toMatchObject({
      prefix: '/faas/fn/hello',
      target: '/items',
      url: 'https://out.example/faas/fn/hello/items',
    })
    expect(await calledWith('/fn/hello/items', proxy)).toMatchObject({ prefix: '/fn/hello' })
  })

  test('is a URL also when the Host is none', async () => {
    expect((await calledWith('/fn/hello', { Host: 'a b/c' }))?.url).toBe('http://localhost/fn/hello')
  })
})

describe('the path that is routed is the path that is passed on', () => {
  test.each([
    ['http://other.example/fn/hello/a?b=1', '/fn/hello', '/a?b=1', 'http://other.example/fn/hello/a?b=1'],
    ['http://fn/fn/hello', '/fn/hello', '/', 'http://fn/fn/hello'],
    ['/a/fn/nobody/../../../fn/hello/x', '/fn/hello', '/x', 'http://faas.example:7070/fn/hello/x'],
    ['/fn/nobody/../hello/x', '/fn/hello', '/x', 'http://faas.example:7070/fn/hello/x'],
    ['/fn/nobody/%2e%2e/hello/./x', '/fn/hello', '/x', 'http://faas.example:7070/fn/hello/x'],
    ['/fn/hello/x?path=/a/../b', '/fn/hello', '/x?path=/a/../b', 'http://faas.example:7070/fn/hello/x?path=/a/../b'],
  ])('%s', async (sent, prefix, target, url) => {
    expect(await calledWith(sent)).toMatchObject({ prefix, target, url })
  })

  test.each(['/a/fn/hello', '/fn/hello/../nobody', 'http://fn/hello', '/v1/../fn/../hello', '/fn/..'])(
    '%s runs nothing',
    async (sent) => {
      expect(await calledWith(sent)).toBeUndefined()
    },
  )
})
