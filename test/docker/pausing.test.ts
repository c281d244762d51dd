import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { silent } from '../../src/domain/log.ts'
import type { Lease, Revision } from '../../src/domain/worker.ts'
import { WorkerPool } from '../../src/engine/pool/pool.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { type DockerWorkers, dockerWorkers } from '../support/docker-workers.ts'
import { aCall, aRevision, mib } from '../support/fake-workers-pool.ts'
import { waitUntil } from '../support/wait-until.ts'

/** The pool over real containers that it pauses. */

describeWithDocker('A worker that the pool has paused', () => {
  const workers = dockerWorkers()
  const pools = new Set<WorkerPool>()

  afterEach(async () => {
    for (const pool of pools) await pool.close(1000)
    pools.clear()
  })

  function aPool(budgetMib: number): WorkerPool {
    const pool = new WorkerPool({
      ...{ factory: workers().factory, clock: systemClock, log: silent, ranBefore: () => false },
      options: {
        ...{ memoryBudgetBytes: budgetMib * mib, genericFloor: 0, maxParallelStarts: 2, maxWaiting: 10 },
        ...{ acquireTimeoutMs: 60_000, pauseAfterMs: 500, processors: () => 2 },
      },
    })
    pools.add(pool)
    return pool
  }

  test('is frozen, and woken by its next call within a moment', async () => {
    const pool = aPool(256)
    const name = await pausedOne(pool, revisionOf(workers()))
    await waitUntil('the pause is in force', async () => (await workers().inspect(name))?.State.Paused)
    const lease = await leaseOf(pool, revisionOf(workers()))
    expect(lease).toMatchObject({ worker: name, startKind: 'warm' })
    expect(lease.resumeMs).toBeGreaterThan(0)
    expect(lease.resumeMs).toBeLessThan(20_000)
    expect(await lease.call(echo())).toMatchObject({ kind: 'returned' })
    lease.release()
  })

  test('keeps the deadline of the call that wakes it', async () => {
    const pool = aPool(256)
    await pausedOne(pool, revisionOf(workers()))
    const lease = await leaseOf(pool, revisionOf(workers(), { timeoutMs: 1000 }))
    const outcome = await lease.call(aCall({ input: json({ do: 'sleep', ms: 30_000, seconds: 30 }) }))
    expect(outcome).toMatchObject({ kind: 'timeout' })
    lease.release()
  })

  test('makes room for another function', async () => {
    const pool = aPool(128)
    const name = await pausedOne(pool, revisionOf(workers()))
    const lease = await leaseOf(pool, revisionOf(workers(), { functionId: 'f2' }))
    lease.release()
    await waitUntil('the paused one is gone', async () => (await workers().inspect(name)) === null)
  })

  test('goes when the pool closes', async () => {
    const pool = aPool(256)
    const name = await pausedOne(pool, revisionOf(workers()))
    await pool.close(1000)
    expect(await workers().inspect(name)).toBeNull()
  })
})

const revisionOf = (workers: DockerWorkers, overrides: Partial<Revision> = {}): Revision =>
  aRevision({ image: workers.manifest('python3').image, packageHash: 'python3', ...overrides })

const json = (event: unknown) => ({ kind: 'json' as const, body: Buffer.from(JSON.stringify(event)) })
const echo = () => aCall({ input: json({ do: 'echo' }) })

async function leaseOf(pool: WorkerPool, revision: Revision): Promise<Lease> {
  const got = await pool.acquire(revision)
  if (got.kind !== 'lease') throw new Error(`no worker: ${JSON.stringify(got.outcome)} ${got.log}`)
  return got
}

/** Calls the function once and waits until its worker is paused. Gives the worker's name. */
async function pausedOne(pool: WorkerPool, revision: Revision): Promise<string> {
  const lease = await leaseOf(pool, revision)
  await lease.call(echo())
  lease.release()
  await waitUntil('the worker is paused', async () => pool.workers()[0]?.state === 'paused')
  return lease.worker
}
