import { beforeAll, expect, test } from 'vitest'
import { describeWithDocker } from '../support/docker-gate.ts'
import { dockerWorkers, type FunctionWorker } from '../support/docker-workers.ts'
import { mib } from '../support/fake-workers-pool.ts'

/** A function that goes past its shim and writes frames of its own to the connection: from inside a real container. */

const attacker = `
import os, socket, struct, time

def frame(kind, call, meta=b'', body=b''):
    return struct.pack('>IBII', 9 + len(meta) + len(body), kind, call, len(meta)) + meta + body

def connection():
    for name in os.listdir('/proc/self/fd'):
        try:
            if os.readlink('/proc/self/fd/' + name).startswith('socket:'):
                return socket.socket(fileno=os.dup(int(name)))
        except OSError:
            pass

def main(event, context):
    wire = connection()
    wire.setblocking(True)
    kind, size, call = event['kind'], event.get('size', 0), 1
    if event.get('head'):
        wire.sendall(frame(22, call, b'{"status":200,"headers":[]}'))
    one = frame(kind, call, event.get('meta', '').encode(), b'x' * size)
    piece = one * max(1, 60000 // len(one))
    until = time.monotonic() + event['seconds']
    while time.monotonic() < until:
        wire.sendall(piece)
    return 'unharmed'
`

describeWithDocker('A function that writes frames of its own', () => {
  const workers = dockerWorkers()
  let other: FunctionWorker
  beforeAll(async () => {
    workers().storeCode('attacker', 'python3', { 'attacker.py': attacker })
    other = await workers().shared('python3')
  })
  const attack = () => workers().bound('python3', { packageHash: 'attacker', entry: 'attacker.main' })

  test.each([
    ['of a type that is unknown', { kind: 99 }],
    ['that are empty logs', { kind: 21 }],
    ['that are empty chunks of an answer', { kind: 23, head: true }],
    ['with a meta of 400,000 keys', { kind: 22, meta: `{${Array.from({ length: 400_000 }, (_, n) => `"${n}":1`)}}` }],
  ])('without end, %s, is killed, and told why', async (_what, event) => {
    await using it = await attack()
    expect(await it.call({ ...event, seconds: 20 })).toMatchObject({
      kind: 'killed',
      error: { type: 'ProtocolError', message: expect.stringMatching(/broke the worker protocol/) },
    })
    await it.worker.gone
  })

  test('with a result past the limit has none', async () => {
    await using it = await attack()
    const outcome = await it.call({ kind: 19, size: 9 * mib, seconds: 1 })
    expect(outcome).toMatchObject({ kind: 'raised', error: { type: 'ResultTooLarge' } })
  })

  test('does not slow down others when six of its kind write logs without end', async () => {
    const alone: number[] = []
    for (let n = 0; n < 30; n++) alone.push(await timeOf(() => other.ask({ do: 'echo', value: n })))
    const took: number[] = []
    const flood = { kind: 21, size: 1, seconds: 4 }
    const attackers = await Promise.all(Array.from({ length: 6 }, attack))
    const floods = attackers.map((it) => it.call(flood))
    await new Promise((resolve) => setTimeout(resolve, 500))
    for (let n = 0; n < 30; n++) took.push(await timeOf(() => other.ask({ do: 'echo', value: n })))
    for (const outcome of await Promise.all(floods)) expect(outcome.kind).toBe('returned')
    await Promise.all(attackers.map((it) => it.worker.kill()))
    // Seven processes share two processors: what is asked is that nobody waits for a whole flood to be read.
    expect(median(took)).toBeLessThan(Math.max(250, 20 * median(alone)))
  })

  test('one byte each, into an answer that nobody reads, costs the server a window and no more', async () => {
    await using it = await attack()
    const sink = { head() {}, write: () => false, drained: () => new Promise<void>(() => {}) }
    const before = process.memoryUsage.rss()
    const outcome = await it.call({ kind: 23, size: 1, head: true, seconds: 30 }, 60_000, { sink })
    expect(outcome).toMatchObject({ kind: 'killed', error: { type: 'ProtocolError', message: /credit/ } })
    expect(process.memoryUsage.rss() - before).toBeLessThan(150 * mib)
  })
})

async function timeOf(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await act()
  return performance.now() - startedAt
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number
