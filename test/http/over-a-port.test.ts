import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { HttpParts } from '../../src/http/server.ts'
import { aFinishedExecution } from '../support/builders.ts'
import { returned } from '../support/fake-pool.ts'
import { listening } from '../support/listening.ts'
import { waitUntil } from '../support/wait-until.ts'

const token = { 'X-Auth-Token': 'token-of-alice' }
const json = { ...token, 'Content-Type': 'application/json' }
const chunked = (text: string) => new Blob([text]).stream()

describe.each([
  ['most callers', []],
  ['callers of other origins', ['https://console.example']],
])('running a function over a port, for %s', (_name, origins) => {
  test.each<[string, RequestInit, number, string]>([
    ['without a token', { body: '{}', headers: { 'Content-Type': 'application/json' } }, 401, 'unauthenticated'],
    ['with an unknown token', { body: '{}', headers: { ...json, 'X-Auth-Token': 'x' } }, 401, 'unauthenticated'],
    ['without a body', { headers: json }, 400, 'invalid_request'],
    ['with broken JSON', { body: '{"a', headers: json }, 400, 'invalid_request'],
    ['with a form', { body: new URLSearchParams({ a: '1' }), headers: token }, 400, 'invalid_request'],
    ['with another media type', { body: 'x', headers: { ...token, 'Content-Type': 'text/plain' } }, 415, 'unsupported'],
    ['with a body that is too large', { body: 'x'.repeat(300_000), headers: json }, 413, 'too_large'],
    ['with an unknown function', { body: '{"function_id":"nobody"}', headers: json }, 400, 'invalid_request'],
  ])('is refused %s', async (_name, init, status, code) => {
    const { url } = await listening({ settings: { corsOrigins: origins } })
    const answer = await fetch(`${url}/v1/executions`, { method: 'POST', ...init })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('Content-Type')).toContain('application/json')
    expect(await answer.json()).toMatchObject({ debuginfo: null, code: expect.stringContaining(code) })
  })

  test('is refused when a body without a length grows too large', async () => {
    const { url } = await listening({ settings: { corsOrigins: origins } })
    const body = chunked(' '.repeat(300_000))
    const asked = fetch(`${url}/v1/executions`, { method: 'POST', body, headers: json, duplex: 'half' } as RequestInit)
    const status = await asked.then(
      (answer) => answer.status,
      () => 'cut off',
    )
    expect([413, 'cut off']).toContain(status)
  })

  test('answers with the execution', async () => {
    const { url, fn } = await listening({ settings: { corsOrigins: origins } })
    const body = chunked('{"function_id":"hello","input":"{\\"name\\":\\"wörld\\"}"}')
    const init = { method: 'POST', body, headers: json, duplex: 'half' } as RequestInit
    const answer = await fetch(`${url}/v1/executions`, init)
    expect(answer.status).toBe(201)
    expect(answer.headers.get('Content-Type')).toBe('application/json')
    expect(await answer.json()).toMatchObject({ status: 'success', function_id: fn.id, output: { name: 'wörld' } })
  })
})

test('a token that must be asked about elsewhere holds up a body that is there already', async () => {
  const later = (parts: HttpParts): HttpParts => ({
    ...parts,
    authenticate: (sent) => new Promise((resolve) => setTimeout(() => resolve(parts.authenticate(sent)), 50)),
  })
  const { url, fn } = await listening({ change: later })
  for (const body of ['{"function_id":"hello"}', chunked('{"function_id":"hello"}')]) {
    const init = { method: 'POST', body, headers: json, duplex: 'half' } as RequestInit
    const answer = await fetch(`${url}/v1/executions`, init)
    expect(await answer.json()).toMatchObject({ status: 'success', function_id: fn.id })
  }
})

test('requests that follow each other on one connection have their own bodies, however they are cut', async () => {
  const { port } = await listening()
  const requestOf = (input: string) => {
    const body = JSON.stringify({ function_id: 'hello', input })
    return `POST /v1/executions HTTP/1.1\r\nHost: a\r\nX-Auth-Token: token-of-alice\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  }
  const socket = connect(port, '127.0.0.1').setNoDelay()
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  const sent = ['one', 'two', 'three'].map(requestOf).join('')
  for (let at = 0; at < sent.length; at += 150) {
    socket.write(sent.slice(at, at + 150))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await waitUntil('three answers are there', () => text.match(/HTTP\/1\.1 201/g)?.length === 3)
  socket.destroy()
  const inputs = [...text.matchAll(/"input":\s*"(\w+)"/g)].map(([, input]) => input)
  expect(inputs).toEqual(['one', 'two', 'three'])
})

test.each([
  ['a webhook', []],
  ['a caller of another origin', ['https://console.example']],
])('cleaning up after the body of %s leaves the next request on its connection alone', async (_name, origins) => {
  const { url, port, app } = await listening({ settings: { corsOrigins: origins as string[] } })
  const made = await fetch(`${url}/v1/webhooks`, { method: 'POST', headers: json, body: '{"function_id":"hello"}' })
  const { webhook_url } = (await made.json()) as { webhook_url: string }
  const body = '{"function_id":"hello"}'
  const head = (target: string, length: number) =>
    `POST ${target} HTTP/1.1\r\nHost: a\r\nX-Auth-Token: token-of-alice\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
  const sockets = [new URL(webhook_url).pathname, '/v1/executions', '/fn/hello'].map((path) => {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8')
    const came = { socket, text: '' }
    socket.on('data', (chunk) => {
      came.text += chunk
    })
    socket.write(head(path, body.length) + body)
    return came
  })
  const all = (text: RegExp) => () => sockets.every((came) => text.test(came.text))
  await waitUntil('the first of each is answered', all(/^HTTP\/1\.1 20\d/))
  // Longer than what is cleaned up is waited for.
  app.pool.behaviour = () => new Promise((resolve) => setTimeout(() => resolve(returned('still here')), 1200))
  for (const { socket } of sockets) socket.write(`${head('/fn/hello', 2)}{}`)
  await waitUntil('the second of each is answered', all(/still here/))
  for (const { socket } of sockets) socket.destroy()
})

test('an answer to another origin carries its headers', async () => {
  const { url } = await listening({ settings: { corsOrigins: ['https://console.example'] } })
  const init = {
    method: 'POST',
    headers: { ...json, Origin: 'https://console.example' },
    body: '{"function_id":"hello"}',
  }
  const answer = await fetch(`${url}/v1/executions`, init)
  expect(answer.status).toBe(201)
  expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('https://console.example')
})

test('a caller that disconnects in the middle of a body leaves nothing behind', async () => {
  const { port, app } = await listening()
  const socket = connect(port, '127.0.0.1')
  socket.write(
    'POST /v1/executions HTTP/1.1\r\nHost: a\r\nX-Auth-Token: token-of-alice\r\nContent-Length: 100\r\n\r\n{"func',
  )
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(app.ledger.rows.size).toBe(0)
})

test('a long list is received completely', async () => {
  const { url, app } = await listening()
  const rows = Array.from({ length: 3000 }, () => aFinishedExecution({ projectId: 'red' }))
  app.ledger.list = async function* () {
    for (let at = 0; at < rows.length; at += 500) yield rows.slice(at, at + 500)
  }
  const answer = await fetch(`${url}/v1/executions`, { headers: token })
  const { executions } = (await answer.json()) as { executions: { id: string }[] }
  expect(executions.map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
})

test('a webhook is called with a chunked form', async () => {
  const { url, app } = await listening()
  const made = await fetch(`${url}/v1/webhooks`, { method: 'POST', headers: json, body: '{"function_id":"hello"}' })
  const { webhook_url } = (await made.json()) as { webhook_url: string }
  expect(webhook_url.startsWith(url)).toBe(true)
  const body = chunked('a=1&a=2')
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const answer = await fetch(`${webhook_url}?b=3`, { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
  expect(answer.status).toBe(202)
  expect(JSON.parse([...app.ledger.rows.values()][0]?.input ?? '')).toEqual({ b: '3', a: ['1', '2'] })
})
