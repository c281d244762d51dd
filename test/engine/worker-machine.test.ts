/** The pool counts memory by machine, so each kind of worker must say where it is. */
import { expect, test } from 'vitest'
import { silentLog } from '../../src/domain/runs/log.ts'
import type { PoolWorker } from '../../src/engine/pool/pool-worker.ts'
import { Channel } from '../../src/engine/worker/channel.ts'
import { HttpImageWorker } from '../../src/engine/worker/http-image-worker.ts'
import { LambdaImageWorker } from '../../src/engine/worker/lambda-image-worker.ts'
import type { WorkerLink } from '../../src/engine/worker/link.ts'
import { WhiskImageWorker } from '../../src/engine/worker/whisk-image-worker.ts'
import { ShimWorker } from '../../src/engine/worker/worker.ts'
import { FakeSandbox } from '../support/engine-parts-sandboxes.ts'
import { socketPair } from '../support/engine-parts-sockets.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aRevision, mib } from '../support/fake-workers-pool.ts'
import { noSecrets } from '../support/no-secrets.ts'

const clock = new FakeClock()
const options = { clock, maxResultBytes: mib, streamIdleMs: 0, stopGraceMs: 0, quietMs: 0, onOther: () => {} }
const limits = { memoryBytes: 128 * mib, cpuMillicpu: 100, cpuMaxMillicpu: null }

async function shim(sandbox: FakeSandbox): Promise<ShimWorker> {
  const { server, worker } = await socketPair()
  sandbox.onEnd = () => worker.destroy()
  const link = { remove: async () => {} } as unknown as WorkerLink
  const more = { log: silentLog, codeFolder: () => '', loadTimeoutMs: 1000, secrets: noSecrets }
  return new ShimWorker({ ...options, ...more }, sandbox, link, new Channel(server), limits)
}

const kinds: Record<string, (sandbox: FakeSandbox) => PoolWorker | Promise<PoolWorker>> = {
  'a worker of a runtime': shim,
  'an image that serves HTTP': (sandbox) => new HttpImageWorker(sandbox, { ...options, ...limits }),
  'an image of OpenWhisk': (sandbox) =>
    new WhiskImageWorker(sandbox, aRevision({ kind: 'openwhisk' }), {
      ...options,
      token: undefined,
      apiUrl: undefined,
    }),
  'an image of AWS Lambda': async (sandbox) =>
    new LambdaImageWorker(sandbox, await shim(new FakeSandbox('helper')), aRevision({ kind: 'lambda' }), options),
}

test.each(Object.entries(kinds))('%s names the machine of its sandbox', async (_kind, make) => {
  const worker = await make(new FakeSandbox('w1', 'node-1'))
  expect(worker.machine).toBe('node-1')
  await worker.kill()
})
