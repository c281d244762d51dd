/**
 * What the HTTP action of Mistral (`std.http`) sends, by a plain client: that of python-requests, with a body that it has made JSON,
 * and an answer that it takes for JSON whatever its type is.
 */
import { describe, expect, test } from 'vitest'
import { aFn, aRuntime } from '../support/builders.ts'
import { returned } from '../support/fake-pool.ts'
import { makeTestApp } from '../support/test-app.ts'

const asRequestsDo = {
  'User-Agent': 'python-requests/2.28.1',
  'Accept-Encoding': 'gzip, deflate, br',
  Accept: '*/*',
  Connection: 'keep-alive',
  'Content-Type': 'application/json',
}

function prepare() {
  const app = makeTestApp()
  const runtime = aRuntime({ projectId: 'ops', signature: 'qinling' })
  app.stores.runtimes.insert(runtime)
  app.stores.functions.insert(aFn({ projectId: 'red', name: 'add', runtimeId: runtime.id }))
  app.invocation.recover((projectId, ref) => app.targets.resolveIn(projectId, ref))
  app.pool.behaviour = (call) => {
    const { a, b } = JSON.parse(call.input.body.toString())
    return returned({ sum: a + b })
  }
  return app
}

describe('a task of a workflow', () => {
  test('calls a function: its result is the value', async () => {
    const sent = { headers: asRequestsDo, body: JSON.stringify({ a: 1, b: 2 }) }
    const { status, text } = await prepare().request('POST', '/fn/add', sent)
    expect([status, JSON.parse(text)]).toEqual([200, { sum: 3 }])
  })

  test('makes an execution as clients of Qinling do: its result is the execution', async () => {
    const body = JSON.stringify({ function_id: 'add', input: '{"a": 20, "b": 22}' })
    const { status, text } = await prepare().request('POST', '/v1/executions', { headers: asRequestsDo, body })
    expect(status).toBe(201)
    expect(JSON.parse(text)).toMatchObject({ status: 'success', output: { sum: 42 } })
    expect(JSON.parse(JSON.parse(text).result).output).toEqual({ sum: 42 })
  })

  test('fails when the function fails, with a status other than 2xx', async () => {
    const app = prepare()
    app.pool.behaviour = () => ({
      kind: 'raised',
      error: { type: 'E', message: 'why', stack: null },
      ...{ runMs: 7, cpuMs: null, memoryPeakMb: null },
    })
    const sent = { headers: asRequestsDo, body: '{}' }
    expect((await app.request('POST', '/fn/add', sent)).status).toBe(502)
  })
})
