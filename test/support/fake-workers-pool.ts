import { expect, onTestFinished } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import { noShares, type Shares } from '../../src/domain/platform/limits.ts'
import type { WorkerMeter } from '../../src/domain/platform/usage.ts'
import type { Call, Lease, LoadFailure, Revision } from '../../src/domain/platform/worker.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import { type PoolOptions, WorkerPool } from '../../src/engine/pool/pool.ts'
import { FakeClock, settled } from './fake-clock.ts'
import { FakeWorkers } from './fake-workers.ts'

export const mib = 1024 * 1024

/** A function of a runtime with workers of 128 MiB; `key` is made of what may not differ among the calls of a worker. */
export function aRevision(overrides: Partial<Revision> = {}): Revision {
  const revision: Omit<Revision, 'key'> = {
    functionId: 'f1',
    functionName: null,
    functionVersion: 0,
    projectId: 'default',
    runtimeId: 'nodejs',
    image: 'taibai/nodejs',
    kind: 'shim',
    init: null,
    start: null,
    port: null,
    trusted: true,
    packageHash: 'hash',
    entry: 'main.main',
    signature: 'event',
    env: {},
    secrets: [],
    maxRunning: null,
    maxRate: null,
    maxGbSecondsPerDay: null,
    sandbox: null,
    record: 'full',
    network: 'egress',
    api: false,
    memoryBytes: 128 * mib,
    cpuMillicpu: 100,
    cpuMaxMillicpu: null,
    tmpSizeBytes: null,
    placement: {},
    writable: [],
    timeoutMs: 60_000,
    concurrency: 1,
    minWorkers: 0,
    maxWorkers: null,
    idleTimeoutMs: null,
    ...overrides,
  }
  const { key, timeoutMs, minWorkers, maxWorkers, idleTimeoutMs, ...inWorker } = { key: '', ...revision }
  return { ...revision, key: JSON.stringify(inWorker) }
}

export function aCall(overrides: Partial<Call> = {}): Call {
  return {
    executionId: 'e1',
    trigger: 'api',
    input: { kind: 'json', body: Buffer.from('{}') },
    onLog() {},
    ...overrides,
  }
}

export interface TestPoolOptions extends Partial<PoolOptions> {
  budgetMib?: number
  ranBefore?: (functionId: string, version: number) => boolean
  shares?: Pick<Shares, 'limitOf'>
  meter?: WorkerMeter
}

/** A call for a worker, and what became of it. */
export interface Acquiring {
  promise: Promise<Lease | LoadFailure>
  lease: Lease | null
  loadFailure: LoadFailure | null
  error: FaasError | null
  isOver: boolean
}

/**
 * A pool over fake workers and a clock that stands still. No generic workers are kept unless a test asks for some. After
 * each test it is closed, and fails the test when anything is left: a worker, a timer, memory, a call.
 */
export class TestPool {
  readonly clock = new FakeClock()
  readonly workers: FakeWorkers
  readonly pool: WorkerPool
  /** Set to false: the engine does not answer, and requested starts hang. */
  engineIsUp = true
  readonly #acquired: Acquiring[] = []
  #leases = new Set<Lease>()
  readonly #limitBytes: number
  #hasEnded = false

  constructor(options: TestPoolOptions = {}) {
    const { budgetMib = 4096, ranBefore = () => false, shares = noShares, meter, ...rest } = options
    this.workers = new FakeWorkers(this.clock)
    this.#limitBytes = budgetMib * mib
    this.pool = new WorkerPool({
      factory: this.workers,
      clock: this.clock,
      log: silentLog,
      ranBefore,
      shares,
      meter,
      engineIsUp: () => this.engineIsUp,
      options: {
        memoryBudgetBytes: this.#limitBytes,
        genericFloor: 0,
        maxParallelStarts: 4,
        maxWaiting: 1000,
        acquireTimeoutMs: 30_000,
        pauseAfterMs: 0,
        processors: () => 2,
        ...rest,
      },
    })
    onTestFinished(() => this.end())
  }

  /** Adds the runtime of `aRevision`, and waits for its generic workers. */
  async withRuntime(overrides: Partial<Parameters<WorkerPool['addRuntime']>[0]> = {}): Promise<void> {
    this.pool.addRuntime({ id: 'nodejs', image: 'taibai/nodejs', memoryBytes: 128 * mib, trusted: true, ...overrides })
    await this.pass(this.workers.startMs)
  }

  /** Asks for a worker without waiting for it. */
  ask(revision: Revision = aRevision(), signal?: AbortSignal): Acquiring {
    const asked: Acquiring = {
      promise: Promise.resolve(this.pool.acquire(revision, signal && { signal, leave() {} })),
      lease: null,
      loadFailure: null,
      error: null,
      isOver: false,
    }
    this.#acquired.push(asked)
    asked.promise.then(
      (got) => {
        asked.isOver = true
        if (got.kind === 'lease') {
          asked.lease = got
          this.#leases.add(got)
        } else asked.loadFailure = got
      },
      (error: unknown) => {
        asked.isOver = true
        if (!(error instanceof FaasError)) throw error
        asked.error = error
      },
    )
    return asked
  }

  /** A worker, however long it takes. */
  async take(revision: Revision = aRevision()): Promise<Lease> {
    const asked = this.ask(revision)
    await settled()
    for (let waited = 0; !asked.isOver && waited < 120_000; waited += 10) await this.pass(10)
    if (asked.lease === null) throw asked.error ?? new Error(`no lease: ${JSON.stringify(asked.loadFailure)}`)
    return asked.lease
  }

  /** One call from beginning to end; its worker stays. */
  async run(revision: Revision = aRevision(), call: Call = aCall()): Promise<Outcome & { lease: Lease }> {
    const lease = await this.take(revision)
    const outcome = await lease.call(call)
    this.release(lease)
    return { ...outcome, lease }
  }

  /** `stalledMs`: the time without a processor, as the worker reports it. */
  release(lease: Lease | null, stalledMs?: number, cpuMs?: number): void {
    if (lease === null || !this.#leases.delete(lease)) throw new Error('there is no such lease to give back')
    lease.release({ ...(stalledMs !== undefined && { stalledMs }), ...(cpuMs !== undefined && { cpuMs }) })
  }

  get held(): Lease[] {
    return [...this.#leases]
  }

  get waiting(): Acquiring[] {
    return this.#acquired.filter(({ isOver }) => !isOver)
  }

  pass(ms: number): Promise<void> {
    return this.clock.pass(ms)
  }

  /** What holds at every moment; `atRest`: no start, bind or end is under way. */
  check(atRest = false): void {
    const { reservedBytes } = this.pool
    expect(this.workers.violations).toEqual([])
    expect(this.workers.callsWhilePaused, 'calls given to paused workers').toBe(0)
    expect(reservedBytes, 'memory reserved of what there is').toBeLessThanOrEqual(this.#limitBytes)
    expect(reservedBytes, 'memory reserved for what is there').toBeGreaterThanOrEqual(this.workers.heldBytes)
    if (atRest) expect(reservedBytes, 'memory reserved at rest').toBe(this.workers.heldBytes)
  }

  /** Gives everything back, stops, and fails when anything is left. */
  async end(): Promise<void> {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.engineIsUp = true
    for (const lease of this.held) this.release(lease)
    const closed = this.pool.close(10_000)
    for (let waited = 0; waited < 120_000 && !(await isSettled(closed)); waited += 100) await this.pass(100)
    expect(await isSettled(closed), 'the pool closes').toBe(true)
    this.check()
    expect(
      this.workers.alive.map(({ name, state }) => `${name} is ${state}`),
      'workers left',
    ).toEqual([])
    expect(this.workers.commands.size, 'commands left').toBe(0)
    expect(this.pool.reservedBytes, 'memory left').toBe(0)
    expect(this.pool.workers(), 'slots left').toEqual([])
    expect(this.waiting, 'calls left').toEqual([])
    expect(this.clock.armed, 'timers left').toBe(0)
  }
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  promise.then(
    () => {
      done = true
    },
    () => {
      done = true
    },
  )
  await settled()
  return done
}
