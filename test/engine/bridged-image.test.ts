/** An image on another machine and the helper beside it: what becomes of one when the other ends. */
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { bridgeHelperBytes, makeRevision } from '../../src/domain/functions/revision.ts'
import type { RuntimeManifest } from '../../src/domain/functions/runtime.ts'
import type { SandboxEngine, SandboxSpec } from '../../src/engine/sandbox/sandbox.ts'
import { Bridge } from '../../src/engine/worker/bridge.ts'
import { BridgedImage } from '../../src/engine/worker/bridged-image.ts'
import type { WorkerLinks } from '../../src/engine/worker/link.ts'
import { SandboxWorkers, type WorkersParts } from '../../src/engine/worker/worker-factory.ts'
import { aFn } from '../support/builders.ts'
import { FakeSandbox } from '../support/engine-parts-sandboxes.ts'
import { mib } from '../support/fake-workers-pool.ts'

function start() {
  const [image, helper] = [new FakeSandbox('image'), new FakeSandbox('helper')]
  const bridge = new Bridge('key', () => {})
  return { image, helper, bridge, bridged: new BridgedImage(image, helper, bridge) }
}

test('an image whose helper ends is ended', async () => {
  const { image, helper, bridged } = start()
  helper.end({ code: 113, memoryExceeded: false })
  expect(await bridged.exited).toEqual({ code: null, memoryExceeded: false, fromOutside: true })
  await image.exited
  expect(image.asked).toEqual(['kill'])
})

test('a helper whose image ends is ended, and the exit is that of the image', async () => {
  const { image, helper, bridged } = start()
  image.end({ code: 3, memoryExceeded: false })
  expect(await bridged.exited).toEqual({ code: 3, memoryExceeded: false })
  await helper.exited
  expect(helper.asked).toEqual(['kill'])
})

test('nobody listens for an image that has ended, also when its address is asked for later', async () => {
  const { image, helper, bridged } = start()
  image.end({ code: 3, memoryExceeded: false })
  await helper.exited
  const address = await bridged.address()
  const refused = new Promise<NodeJS.ErrnoException>((resolve, reject) => {
    connect(address)
      .once('error', resolve)
      .once('connect', () => reject(new Error('somebody listens')))
  })
  expect((await refused).code).toBe('ECONNREFUSED')
})

test('the image has the memory that its function asks for, and the helper what is counted beside it', async () => {
  const started: SandboxSpec[] = []
  const engine = {
    nameBeside: 'image',
    start: async (spec: SandboxSpec) => {
      started.push(spec)
      return started.length === 1 ? new FakeSandbox('helper') : Promise.reject(new Error('enough'))
    },
  } as unknown as SandboxEngine
  const links = { bridge: () => new Bridge('key', () => {}) } as unknown as WorkerLinks
  const manifests = [{ name: 'nodejs', image: 'n', command: [] }] as unknown as RuntimeManifest[]
  const parts = { engine, links, manifests, newName: () => `w${started.length}` } as unknown as WorkersParts
  const fn = aFn({ runtimeId: null, memoryBytes: 128 * mib, code: { source: 'image', image: 'a:1', mode: 'http' } })
  const revision = makeRevision(fn, null, null, true)
  expect(revision.memoryBytes).toBe(128 * mib + bridgeHelperBytes)
  await expect(new SandboxWorkers(parts).startImage(revision)).rejects.toThrow('enough')
  expect(started.map(({ memoryBytes }) => memoryBytes)).toEqual([bridgeHelperBytes, 128 * mib])
})

test.each(['http', 'openwhisk', 'fission', 'command', undefined] as const)(
  'an image of mode %s counts a helper where it has one',
  (mode) => {
    const fn = aFn({ runtimeId: null, code: { source: 'image', image: 'a:1', ...(mode && { mode }) } })
    const [alone, bridged] = [false, true].map((isBridged) => makeRevision(fn, null, null, isBridged).memoryBytes)
    expect(Number(bridged) - Number(alone)).toBe(mode === 'command' || mode === undefined ? 0 : bridgeHelperBytes)
  },
)
