/** What whoever runs functions relies on: asked of the pool and of the double that stands for it. */
import { describe, expect, it } from 'vitest'
import type { Call, Lease, Pool, Revision } from '../../../src/domain/platform/worker.ts'
import type { Outcome } from '../../../src/domain/runs/outcome.ts'
import { aCall, aRevision } from '../fake-workers-pool.ts'

export interface PoolInTest {
  pool: Pool
  /** What calls do from now on. */
  behave(behaviour: (call: Call) => Outcome | Promise<Outcome>): void
  /** The code of every function cannot be loaded from now on. */
  breakCode(): void
  /** Waits for what takes time. */
  settle<T>(promise: T | Promise<T>): Promise<T>
}

const returned: Outcome = {
  kind: 'returned',
  value: { kind: 'json', body: Buffer.from('1') },
  runMs: 1,
  cpuMs: null,
  memoryPeakMb: null,
}
const command = aRevision({ kind: 'command', image: 'tool', runtimeId: null })

export function describePool(name: string, make: () => PoolInTest): void {
  describe(`${name} as a pool`, () => {
    const take = async ({ pool, settle }: PoolInTest, revision: Revision = aRevision()): Promise<Lease> => {
      const got = await settle(pool.acquire(revision))
      if (got.kind !== 'lease') throw new Error('the code could not be loaded')
      return got
    }

    it('gives a worker, which runs the call and is given back', async () => {
      const test = make()
      const lease = await take(test)
      expect(lease).toMatchObject({ worker: expect.any(String), startKind: expect.any(String) })
      const input = { kind: 'json' as const, body: Buffer.from('{"a":1}') }
      const outcome = await test.settle(lease.call(aCall({ input })))
      expect(outcome).toMatchObject({ kind: 'returned', value: { kind: 'json' } })
      expect(JSON.parse(String(outcome.kind === 'returned' && outcome.value.body))).toEqual({ a: 1 })
      lease.release()
    })

    it('gives as many workers as are asked for at once', async () => {
      const test = make()
      const leases = [await take(test), await take(test)]
      for (const lease of leases) lease.release()
    })

    it('never throws from a call: what goes wrong is an outcome', async () => {
      const test = make()
      const failed: Outcome = { ...returned, kind: 'raised', error: { type: 'E', message: 'no', stack: null } }
      test.behave(() => failed)
      const lease = await take(test)
      expect(await test.settle(lease.call(aCall()))).toMatchObject({ kind: 'raised', error: { type: 'E' } })
      lease.release()
    })

    it('says what is wrong with code that cannot be loaded', async () => {
      const test = make()
      test.breakCode()
      const got = await test.settle(test.pool.acquire(aRevision()))
      expect(got).toMatchObject({ kind: 'load_failure', worker: expect.any(String), log: expect.any(String) })
    })

    it('does what it is told of functions that it has never seen', () => {
      const { pool } = make()
      pool.retire('unknown', null, 'new_code', aRevision())
      pool.discard(aRevision())
      pool.scaleDown('unknown', 0, 1)
      pool.removeRuntime('unknown')
      expect(pool.workers()).toEqual([])
      expect(pool.capacity('unknown')).toMatchObject({ total: expect.any(Number), available: expect.any(Number) })
    })

    it('takes no more work when it is closed', async () => {
      const { pool, settle } = make()
      await settle(pool.close(0))
      await expect(Promise.resolve(pool.acquire(aRevision()))).rejects.toMatchObject({ code: 'shutting_down' })
      expect(await settle(pool.runCommand(command, aCall()))).toMatchObject({ kind: 'platform' })
    })
  })
}
