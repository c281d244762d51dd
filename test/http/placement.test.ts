import { describe, expect, test } from 'vitest'
import type { Machine } from '../../src/domain/platform/machine.ts'
import { aRuntime } from '../support/builders.ts'
import { makeTestApp } from '../support/test-app.ts'

const node = (name: string, labels: Record<string, string>, isOpen = true): Machine => {
  return { id: name, name, memoryBytes: 1e9, processors: 2, labels, isOpen }
}

function start(machines?: Machine[]) {
  const app = makeTestApp({ machines })
  app.stores.runtimes.insert(aRuntime({ name: 'nodejs', isPublic: true }))
  const code = { source: 'inline', filename: 'main.mjs', content: 'export const main = () => 1' }
  const create = (placement: unknown) =>
    app.request('POST', '/v1/functions', { json: { name: 'hello', runtime: 'nodejs', code, placement } })
  return { app, create }
}

describe('The placement of a function', () => {
  test('is refused on a single machine; an empty one is accepted everywhere', async () => {
    const { create } = start()
    const refused = await create({ gpu: 'true' })
    expect([refused.status, refused.json.faultstring]).toEqual([400, expect.stringMatching(/TAIBAI_ENGINE=swarm/)])
    expect((await create({})).json.placement).toEqual({})
  })

  test.each([
    [{ gpu: 1 }, /"placement" must be an object of strings/],
    ['gpu', /"placement" must be an object of strings/],
    [{ 'a b': 'x' }, /"placement" has the label "a b=x"/],
    [{ gpu: '' }, /"placement" has the label "gpu="/],
    [{ gpu: 'x==y' }, /has the label/],
    [Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`n${n}`, '1'])), /9 labels; at most 8/],
  ])('is refused when no label of a node can be so: %j', async (placement, message) => {
    const { create } = start([node('a', {})])
    const { status, json } = await create(placement)
    expect([status, json.faultstring]).toEqual([400, expect.stringMatching(message)])
  })

  test('is shown, makes workers of its own, and is taken back; its order says nothing', async () => {
    const { app, create } = start([node('a', { gpu: 'true' })])
    const made = await create({ zone: 'a', gpu: 'true' })
    expect([made.status, made.json.placement]).toEqual([201, { gpu: 'true', zone: 'a' }])
    const key = () => app.targets.resolveIn('red', { functionId: made.json.id }).revision.key
    const update = (placement: unknown) => app.request('PUT', '/v1/functions/hello', { json: { placement } })
    const first = key()
    await update({ gpu: 'true', zone: 'a' })
    expect(key()).toBe(first)
    expect((await update(null)).json.placement).toEqual({})
    expect(key()).not.toBe(first)
  })

  test('that no node meets now is told to the operator', async () => {
    const { app, create } = start([node('a', { gpu: 'true' }, false), node('b', {})])
    await create({ gpu: 'true' })
    const { json } = await app.request('GET', '/v1/health', { as: 'admin' })
    const said = json.findings.map(({ says }: { says: string }) => says).join('\n')
    expect(said).toMatch(/No node that takes tasks has the labels of the function hello \(gpu=true\)/)
  })
})
