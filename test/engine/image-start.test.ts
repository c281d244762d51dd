import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { systemClock as clock } from '../../src/domain/clock.ts'
import { listenersIn } from '../../src/engine/sandbox/docker/listeners.ts'
import { whyImageIsNotReady, wrongListenAddress } from '../../src/engine/worker/image-start.ts'
import { FakeSandbox } from '../support/engine-parts-sandboxes.ts'
import { aRevision } from '../support/fake-workers-pool.ts'

/** What keeps an image from serving is said by its name, within seconds, and is the function's own doing. */
const nowhere = { host: '127.0.0.1', port: 1 }
const revision = aRevision({ image: 'shop:1', kind: 'http', port: 1, packageHash: null })
const wait = (sandbox: FakeSandbox, startTimeoutMs: number, address = nowhere) =>
  whyImageIsNotReady(sandbox, revision, address, { clock, startTimeoutMs })

describe('an image', () => {
  test('that ends early is said to have ended, with its code', async () => {
    const sandbox = new FakeSandbox()
    setTimeout(() => sandbox.end({ code: 3, memoryExceeded: false }), 50)
    expect(await wait(sandbox, 60_000)).toMatchObject({
      kind: 'raised',
      error: { type: 'ImageNotReady', message: 'the image shop:1 ended with code 3 before it listened on port 1' },
    })
  })

  test('that ends for its memory is said to have', async () => {
    const sandbox = new FakeSandbox()
    sandbox.end({ code: 137, memoryExceeded: true })
    expect(await wait(sandbox, 60_000)).toMatchObject({ kind: 'killed', error: { type: 'MemoryExceeded' } })
  })

  test('that is lost with its machine while it starts has not failed: the platform has', async () => {
    const sandbox = new FakeSandbox()
    sandbox.end({ code: null, memoryExceeded: false, fromOutside: true })
    expect(await wait(sandbox, 60_000)).toMatchObject({ kind: 'platform', error: { message: /ended from outside/ } })
  })

  test('that listens on its own loopback only is said to, within seconds', async () => {
    const sandbox = new FakeSandbox()
    sandbox.listening = [{ port: 1, onlyLoopback: true }]
    const outcome = await wait(sandbox, 60_000)
    expect(outcome).toMatchObject({ kind: 'raised', error: { message: expect.stringContaining('0.0.0.0') } })
    expect(outcome?.runMs).toBeLessThan(6000)
  })

  test('that listens nowhere is waited for as long as it may take', async () => {
    expect(await wait(new FakeSandbox(), 300)).toMatchObject({
      error: { message: /did not listen on port 1 within 0.3 s/ },
    })
  })

  test('that listens is kept by nothing', async () => {
    const server = createServer((socket) => socket.on('error', () => {}))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    expect(await wait(new FakeSandbox(), 5000, { host: '127.0.0.1', port })).toBeNull()
    server.close()
  })
})

test('where processes listen is read from the table of the kernel', () => {
  const table = `  sl  local_address rem_address   st
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000
   1: 00000000:0050 00000000:0000 0A 00000000:00000000
   2: 0100007F:1F90 0100007F:9C40 01 00000000:00000000
   3: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A
   4: 00000000000000000000000000000000:1F92 00000000000000000000000000000000:0000 0A
`
  expect(listenersIn(table)).toEqual([
    { port: 8080, onlyLoopback: true },
    { port: 80, onlyLoopback: false },
    { port: 8081, onlyLoopback: true },
    { port: 8082, onlyLoopback: false },
  ])
})

test.each([
  ['nobody can tell', null, false],
  ['it listens nowhere yet', [], false],
  ['it listens on another port: it may still open ours', [{ port: 9, onlyLoopback: false }], false],
  [
    'it listens on both',
    [
      { port: 1, onlyLoopback: true },
      { port: 1, onlyLoopback: false },
    ],
    false,
  ],
  ['it listens on loopback only', [{ port: 1, onlyLoopback: true }], true],
])('whether an image listens at the wrong place: %s', (_what, listeners, isWrong) => {
  expect(wrongListenAddress(listeners, 1) !== null).toBe(isWrong)
})
