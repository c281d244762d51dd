/** The paths of Fission's router: functions of any signature answer there. */
import { describe, expect, test } from 'vitest'
import { fissionUrlOf } from '../../src/http/functions/function-call.ts'
import { aFn, aRuntime } from '../support/builders.ts'
import { makeTestApp } from '../support/test-app.ts'

describe('a path of the router', () => {
  test.each([
    ['/fission-function/hello', 'hello', '/fission-function/hello', '/'],
    ['/fission-function/hello/a/b?c=1', 'hello', '/fission-function/hello', '/a/b?c=1'],
    ['/fission-function/default/hello/a', 'hello', '/fission-function/default/hello', '/a'],
    ['/fission-function/default', 'default', '/fission-function/default', '/'],
    ['/fission-function/hello:live', 'hello@live', '/fission-function/hello:live', '/'],
    ['/fission-function/hello:3', 'hello:3', '/fission-function/hello:3', '/'],
  ])('%s names %s', (url, name, mount, below) => {
    expect(fissionUrlOf(url)).toEqual({ name, mount, below, isFission: true })
  })

  test('others are not', () => {
    expect(fissionUrlOf('/fission-functions/hello')).toBeNull()
  })
})

function prepare() {
  const app = makeTestApp()
  const runtime = aRuntime({ projectId: 'ops' })
  app.stores.runtimes.insert(runtime)
  app.stores.functions.insert(
    aFn({ projectId: 'red', name: 'hello', runtimeId: runtime.id, signature: 'fission', entry: '' }),
  )
  app.invocation.recover((projectId, ref) => app.targets.resolveIn(projectId, ref))
  return app
}

test('an unknown function is 404', async () => {
  expect((await prepare().request('GET', '/fission-function/nobody')).status).toBe(404)
})

test('a call reaches the function without the prefix', async () => {
  const app = prepare()
  expect((await app.request('GET', '/fission-function/hello/a?b=1')).status).toBe(200)
  expect(app.pool.calls[0]?.call.http).toMatchObject({ target: '/a?b=1', prefix: '/fission-function/hello' })
})

test('an asynchronous call is accepted with Fission’s response', async () => {
  const headers = { 'X-Fission-Invoke-Mode': 'async' }
  const { status, json, headers: answered } = await prepare().request('POST', '/fission-function/hello', { headers })
  expect([status, json]).toEqual([202, { invocationId: answered.get('x-fission-invocation-id') }])
})
