import { expect, test } from 'vitest'
import { aFn, aRuntime } from '../support/builders.ts'
import { makeTestApp } from '../support/test-app.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function prepare() {
  const app = makeTestApp()
  const runtime = aRuntime({ projectId: 'ops' })
  app.stores.runtimes.insert(runtime)
  const fn = aFn({ projectId: 'red', name: 'hello', runtimeId: runtime.id })
  app.stores.functions.insert(fn)
  return { app, fn }
}

test.each([
  ['/fn/hello', {}],
  ['/v1/executions', { function_id: 'hello' }],
  ['/v1/executions', { function_id: 'hello', sync: false }],
  ['/v1/executions', { function_id: 'hello', sync: false, priority: 1 }],
])('without a receiver of traces, the function sees the header of its caller: POST %s %j', async (path, json) => {
  const { app } = prepare()
  const { status } = await app.request('POST', path, { json, headers: { traceparent } })
  expect(status).toBeLessThan(300)
  await expect.poll(() => app.pool.calls.map(({ call }) => call.traceparent)).toEqual([traceparent])
})

test('and none when its caller sent none', async () => {
  const { app } = prepare()
  await app.request('POST', '/fn/hello', { json: {} })
  expect(app.pool.calls.map(({ call }) => call.traceparent)).toEqual([undefined])
})
