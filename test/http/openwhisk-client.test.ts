/** The unmodified npm client of OpenWhisk, over a port. */
import openwhisk from 'openwhisk'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import { aRuntime } from '../support/builders.ts'
import { returned } from '../support/fake-pool.ts'
import { listening } from '../support/listening.ts'
import type { TestApp } from '../support/test-app.ts'

let app: TestApp
let client: openwhisk.Client
beforeEach(async () => {
  const server = await listening()
  app = server.app
  for (const name of ['nodejs', 'python3']) app.stores.runtimes.insert(aRuntime({ name, image: name, isPublic: true }))
  client = openwhisk({ apihost: server.url, api_key: 'any:token-of-alice', namespace: '_' })
})

const action = 'function main(params) { return params }'

describe('actions', () => {
  test('are made, updated, listed, invoked and removed', async () => {
    expect(await client.actions.create({ name: 'echo', action })).toMatchObject({ name: 'echo', version: '0.0.1' })
    await expect(client.actions.create({ name: 'echo', action })).rejects.toMatchObject({ statusCode: 409 })
    const annotations = { 'web-export': true }
    expect(await client.actions.update({ name: 'echo', action, annotations })).toMatchObject({ version: '0.0.2' })
    expect(await client.actions.get('echo')).toMatchObject({ exec: { code: action, kind: 'nodejs:20' } })
    expect((await client.actions.list()).map(({ name }) => name)).toContain('echo')
    const params = { name: 'Jane' }
    expect(await client.actions.invoke({ name: 'echo', params, blocking: true, result: true })).toEqual(params)
    expect(await client.actions.invoke({ name: 'echo', params, blocking: true })).toMatchObject({
      response: { result: params, success: true },
    })
    expect(await client.actions.delete('echo')).toMatchObject({ name: 'echo' })
    await expect(client.actions.get('echo')).rejects.toMatchObject({ name: 'OpenWhiskError', statusCode: 404 })
  })

  test('come as a ZIP', async () => {
    const zip = Buffer.from('PK\u0003\u0004 so it begins')
    const made = await client.actions.create({ name: 'zipped', action: zip, kind: 'python:3' })
    expect(made.exec).toMatchObject({ kind: 'python:3', binary: true })
  })

  test('that fail are errors that hold the answer', async () => {
    await client.actions.create({ name: 'echo', action })
    const error = { type: 'ApplicationError', message: 'no', stack: null }
    const value = { kind: 'json' as const, body: Buffer.from('{"error":"no"}') }
    app.pool.behaviour = () => ({ kind: 'raised', error, value, runMs: 1, cpuMs: 1, memoryPeakMb: 1 }) satisfies Outcome
    await expect(client.actions.invoke({ name: 'echo', blocking: true })).rejects.toMatchObject({
      statusCode: 502,
      error: { response: { result: { error: 'no' } } },
    })
  })
})

describe('activations', () => {
  test('are listed, shown, with logs and result', async () => {
    await client.actions.create({ name: 'echo', action })
    app.pool.behaviour = (call) => {
      call.onLog('stdout', 'heard\n')
      return returned({ done: true })
    }
    const { activationId } = await client.actions.invoke({ name: 'echo' })
    await expect.poll(async () => (await client.activations.list()).length).toBe(1)
    expect(await client.activations.get(activationId)).toMatchObject({
      activationId,
      response: { result: { done: true } },
    })
    expect(await client.activations.logs({ name: activationId })).toEqual({ logs: [expect.stringMatching(/heard$/)] })
    expect(await client.activations.result({ name: activationId })).toMatchObject({
      result: { done: true },
      success: true,
    })
  })
})

test('a caller without a key gets an error', async () => {
  const { url } = await listening()
  const stranger = openwhisk({ apihost: url, api_key: 'x:y' })
  await expect(stranger.actions.list()).rejects.toMatchObject({ statusCode: 401 })
})
