import { afterEach, describe, expect, test } from 'vitest'
import { aFn, aRuntime } from '../support/builders.ts'
import { returned } from '../support/fake-pool.ts'
import { listening } from '../support/listening.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'
import { waitUntil } from '../support/wait-until.ts'

/** The stream of events, over a port: who sees what, while it happens. */

const alice = { 'X-Auth-Token': 'token-of-alice' }
const bob = { 'X-Auth-Token': 'token-of-bob' }
const admin = { 'X-Auth-Token': 'token-of-admin' }

interface Told {
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: data of every shape
  data: any
}

const readers: AbortController[] = []
afterEach(() => {
  for (const reader of readers.splice(0)) reader.abort()
})

/** The events as they come; `until` resolves with all so far when one fits. */
async function watch(url: string, headers: Record<string, string>, query = '') {
  const reader = new AbortController()
  readers.push(reader)
  const answer = await fetch(`${url}/v1/events${query}`, { headers, signal: reader.signal })
  expect(answer.headers.get('Content-Type')).toBe('text/event-stream')
  const told: Told[] = []
  let wake = (): void => {}
  void (async () => {
    let rest = ''
    for await (const piece of (answer.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + piece).split('\n\n')
      rest = blocks.pop() as string
      for (const block of blocks) {
        const event = /^event: (.*)$/m.exec(block)?.[1]
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (event !== undefined) told.push({ event, data: JSON.parse(data ?? 'null') })
      }
      wake()
    }
  })().catch(() => {})
  return async (fits: (one: Told) => boolean): Promise<Told[]> => {
    while (!told.some(fits)) await new Promise<void>((resolve) => (wake = resolve))
    return told
  }
}

describe('the events', () => {
  testRows(
    [
      { name: 'are for holders of a token', ask: 'GET /v1/events', as: 'nobody', status: 401 },
      { name: 'of an unknown function are not there', ask: 'GET /v1/events?function=nobody', status: 404 },
      {
        name: 'of a function of others are not there',
        ask: (made) => `GET /v1/events?function=${made.others}`,
        status: 404,
      },
    ],
    () => {
      const app = makeTestApp()
      const runtime = aRuntime({ projectId: 'ops' })
      app.stores.runtimes.insert(runtime)
      const others = aFn({ projectId: 'blue', runtimeId: runtime.id })
      app.stores.functions.insert(others)
      return { app, made: { others: others.id } as Record<string, string> }
    },
  )

  test('begin with the state of the server, which only admins get', async () => {
    const { url } = await listening()
    expect((await (await watch(url, alice))(({ event }) => event === 'server'))[0]).toEqual({
      event: 'server',
      data: {},
    })
    const [first] = await (await watch(url, admin))(({ event }) => event === 'server')
    expect(first?.data).toMatchObject({ running: 0, queued: 0 })
  })

  test('report the begin and the end of a run to its own project, without input and output', async () => {
    const { url, fn } = await listening()
    const [own, others] = [await watch(url, alice), await watch(url, bob)]
    const json = { ...alice, 'Content-Type': 'application/json' }
    await fetch(`${url}/v1/executions`, {
      method: 'POST',
      headers: json,
      body: '{"function_id":"hello","input":"{\\"a\\":1}"}',
    })
    const told = (await own(({ data }) => data.status === 'success')).filter(({ event }) => event === 'execution')
    expect(told.map(({ data }) => data.status)).toEqual(['running', 'success'])
    expect(told[1]?.data).toMatchObject({ function_id: fn.id, input: null, output: null, start_kind: 'warm' })
    expect((await others(({ event }) => event === 'server')).filter(({ event }) => event === 'execution')).toEqual([])
  })

  test('can be limited to one function, with its output live', async () => {
    const { url, app } = await listening()
    app.pool.behaviour = (call) => {
      call.onLog('stdout', 'greeting\n')
      return returned(1)
    }
    const own = await watch(url, alice, '?function=hello&log=true')
    const json = { ...alice, 'Content-Type': 'application/json' }
    await fetch(`${url}/v1/executions`, { method: 'POST', headers: json, body: '{"function_id":"hello"}' })
    const told = (await own(({ data }) => data.status === 'success')).filter(({ event }) => event !== 'server')
    expect(told.map(({ event }) => event)).toEqual(['execution', 'log', 'execution'])
    expect(told[1]?.data).toEqual({ execution: told[0]?.data.id, text: 'greeting\n' })
  })

  test('are streamed a hundred times for one project at most, and again when a reader has left', async () => {
    const { url } = await listening()
    for (let count = 0; count < 100; count++) await watch(url, alice)
    const refused = await fetch(`${url}/v1/events`, { headers: alice })
    expect(refused.status).toBe(429)
    expect(await refused.text()).toContain('This project has 100 streams of events already')
    await watch(url, bob)
    readers[0]?.abort()
    const again = async () => {
      const answer = await fetch(`${url}/v1/events`, { headers: alice })
      await answer.body?.cancel()
      return answer.ok || undefined
    }
    await waitUntil('a stream is free', again)
  })
})
