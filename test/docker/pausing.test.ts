import { readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { Lease, Revision } from '../../src/domain/platform/worker.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import { EngineApi } from '../../src/engine/api/engine-api.ts'
import { type PoolOptions, type PoolParts, WorkerPool } from '../../src/engine/pool/pool.ts'
import { ContainerClient } from '../../src/engine/sandbox/docker/container-client.ts'
import { groupsIn } from '../../src/engine/sandbox/docker/control-groups.ts'
import { askDocker } from '../support/docker-api.ts'
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

  function aPool(budgetMib: number, more: Partial<PoolOptions> = {}, meter?: PoolParts['meter']): WorkerPool {
    const pool = new WorkerPool({
      ...{ factory: workers().factory, clock: systemClock, log: silentLog, ranBefore: () => false, meter },
      options: {
        ...{ memoryBudgetBytes: budgetMib * mib, genericFloor: 0, maxParallelStarts: 2, maxWaiting: 10 },
        ...{ acquireTimeoutMs: 60_000, pauseAfterMs: 500, processors: () => 2, ...more },
      },
    })
    pools.add(pool)
    return pool
  }

  test('is frozen, and woken by its next call within a moment', async () => {
    const pool = aPool(256)
    const name = await pausedOne(pool, revisionOf(workers()))
    await waitUntil('the pause is in force', () => isFrozen(workers(), name))
    const used = (await pool.memoryUsed()).get(name) ?? 0
    expect(used).toBeGreaterThan(4 * mib)
    // The engine says the same where the kernel's files cannot be read.
    const asked = await new ContainerClient(new EngineApi(process.env.DOCKER_HOST)).memoryUsedBytes(
      workers().containerName(name),
    )
    expect(asked).toBeGreaterThan(used / 2)
    expect(asked).toBeLessThan(used * 2)
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

  test('is removed by the next start when the server has left it behind', async () => {
    const worker = await workers().bound('python3')
    await worker.worker.pause()
    await workers().engine.removeLeftovers()
    await waitUntil('it is gone', async () => (await workers().inspect(worker.name)) === null)
  })

  test('goes when the pool closes', async () => {
    const pool = aPool(256)
    const name = await pausedOne(pool, revisionOf(workers()))
    await pool.close(1000)
    expect(await workers().inspect(name)).toBeNull()
  })

  /** A call that leaves a process behind which counts for ever. Gives the worker's name. */
  async function leavesOneRunning(pool: WorkerPool): Promise<string> {
    const lease = await leaseOf(pool, revisionOf(workers()))
    const argv = ['sh', '-c', '(while :; do :; done) </dev/null >/dev/null 2>&1 &']
    const outcome = await lease.call(aCall({ input: json({ do: 'run', argv }) }))
    expect(outcome).toMatchObject({ kind: 'returned' })
    lease.release(outcome)
    return lease.worker
  }

  test('what a call leaves running stands still when workers are frozen after their calls', async () => {
    const pool = aPool(256, { pauseAfterMs: 0, freezes: true })
    const name = await leavesOneRunning(pool)
    await waitUntil('it is frozen', () => isFrozen(workers(), name))
    const before = await cpuOf(workers(), name)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(await cpuOf(workers(), name)).toBe(before)
    const lease = await leaseOf(pool, revisionOf(workers()))
    expect(await lease.call(echo())).toMatchObject({ kind: 'returned' })
    expect(lease).toMatchObject({ worker: name, startKind: 'warm' })
    expect(await cpuOf(workers(), name)).toBeGreaterThan(before)
    lease.release()
  })

  test('what a call leaves running is put to the account of its function', async () => {
    let toldMs = 0
    const meter = {
      held: () => {},
      spent: (_revision: unknown, ms: number) => {
        toldMs += ms
      },
    }
    const pool = aPool(256, { pauseAfterMs: 0 }, meter)
    const name = await leavesOneRunning(pool)
    await waitUntil('its time is told', () => toldMs > 500, 120_000)
    const usedMs = (await cpuOf(workers(), name)) / 1e6
    await pool.close(1000)
    expect(toldMs).toBeGreaterThan(usedMs / 2)
  })
})

/** Whether its processes stand still, be it that the engine paused it or that the kernel was told. */
async function isFrozen(workers: DockerWorkers, name: string): Promise<boolean> {
  const info = await workers.inspect(name)
  if (info === null || info.State.Paused) return info !== null
  const { freezer } = groupsIn(readFileSync(`/proc/${info.State.Pid}/cgroup`, 'utf8'), info.Id)
  return freezer.some((file) => /^(FROZEN|1)$/.test(read(file).trim()))
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Nanoseconds of processor time, as the engine says. */
async function cpuOf(workers: DockerWorkers, name: string): Promise<number> {
  const id = (await workers.inspect(name))?.Id
  const path = `/containers/${id}/stats?stream=false&one-shot=true`
  const { cpu_stats } = await askDocker<{ cpu_stats: { cpu_usage: { total_usage: number } } }>('GET', path)
  return cpu_stats.cpu_usage.total_usage
}

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
