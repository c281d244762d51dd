/** Whatever happens in whatever order: no memory is lost, no worker gets too much, every call ends, nothing is left. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Revision } from '../../src/domain/platform/worker.ts'
import { settled } from '../support/fake-clock.ts'
import { aCall, aRevision, mib, TestPool } from '../support/fake-workers-pool.ts'

const budgetMib = 768
const acquireTimeoutMs = 20_000

/** What the functions of a run are, before their code changes. */
const functions: Partial<Revision>[] = [
  { functionId: 'plain' },
  { functionId: 'shared', concurrency: 3, memoryBytes: 256 * mib },
  { functionId: 'bounded', maxWorkers: 2, idleTimeoutMs: 3000 },
  { functionId: 'closed', network: 'none', memoryBytes: 192 * mib, projectId: 'other' },
  { functionId: 'large', memoryBytes: 640 * mib },
  { functionId: 'image', kind: 'http', image: 'web', runtimeId: null, projectId: 'other' },
]

const failing = [
  'failingStarts',
  'failingBinds',
  'failingPauses',
  'failingResumes',
  'stillborn',
  'endingOnceBound',
] as const
type Failing = (typeof failing)[number]

type Step =
  | { do: 'ask'; fn: number }
  | { do: 'release' | 'die' | 'abort'; which: number }
  | { do: 'engine'; isUp: boolean }
  | { do: 'pass'; ms: number }
  | { do: 'retire'; fn: number; why: 'new_code' | 'evicted' }
  | { do: 'keep'; fn: number; minWorkers: number }
  | { do: 'scaleUp' | 'scaleDown'; fn: number; count: number }
  | { do: 'expect'; fn: number; inMs: number }
  | { do: 'run' | 'endRun' | 'addRuntime' | 'removeRuntime' }
  | { do: 'fail'; what: Failing; times: number }
  | { do: 'break' | 'mend'; fn: number }

const fn = fc.nat(functions.length - 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('ask' as const), fn }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(20) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 7, 60, 110, 900, 5000) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('die' as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }) },
  fc.record({ do: fc.constant('engine' as const), isUp: fc.boolean() }),
  fc.record({ do: fc.constant('retire' as const), fn, why: fc.constantFrom('new_code' as const, 'evicted' as const) }),
  fc.record({ do: fc.constant('keep' as const), fn, minWorkers: fc.nat(2) }),
  fc.record({
    do: fc.constantFrom('scaleUp' as const, 'scaleDown' as const),
    fn,
    count: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ do: fc.constant('expect' as const), fn, inMs: fc.nat(10_000) }),
  fc.record({ do: fc.constantFrom('run' as const, 'endRun' as const) }),
  fc.record({ do: fc.constantFrom('addRuntime' as const, 'removeRuntime' as const) }),
  fc.record({
    do: fc.constant('fail' as const),
    what: fc.constantFrom(...failing),
    times: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ do: fc.constantFrom('break' as const, 'mend' as const), fn }),
)

/** A pool, and what a test knows of it. */
class Run {
  readonly test: TestPool
  #revisions = functions.map((overrides) => aRevision(overrides))
  #generation = 0
  #runs: Promise<unknown>[] = []
  #callers: AbortController[] = []

  constructor(pauseAfterMs: number) {
    this.test = new TestPool({ budgetMib, acquireTimeoutMs, genericFloor: 1, pauseAfterMs })
    Object.assign(this.test.workers, { pauseMs: 12, resumeMs: 15 })
  }

  revision(n: number): Revision {
    return this.#revisions[n] as Revision
  }

  async take(step: Step): Promise<void> {
    const { pool, workers, clock } = this.test
    switch (step.do) {
      case 'ask':
        return this.#ask(step.fn)
      case 'release':
        return this.#ofHeld(step.which, (lease) => this.test.release(lease))
      case 'die':
        return void workers.alive[step.which % Math.max(1, workers.alive.length)]?.die()
      case 'abort':
        return this.#callers.splice(step.which % Math.max(1, this.#callers.length), 1)[0]?.abort()
      case 'engine':
        this.test.engineIsUp = step.isUp
        return
      case 'pass':
        return this.test.pass(step.ms)
      case 'retire':
        return this.#retire(step.fn, step.why)
      case 'keep':
        this.#change(step.fn, { minWorkers: step.minWorkers })
        return pool.keep(this.revision(step.fn))
      case 'scaleUp':
        return pool.scaleUp(this.revision(step.fn), step.count)
      case 'scaleDown':
        return pool.scaleDown(this.revision(step.fn).functionId, 0, step.count)
      case 'expect':
        return pool.expect(this.revision(step.fn), clock.now() + step.inMs)
      case 'run':
        return this.#runCommand()
      case 'endRun':
        return workers.endCommand()
      case 'addRuntime':
        return pool.addRuntime({ id: 'nodejs', image: 'taibai/nodejs', memoryBytes: 128 * mib, trusted: true })
      case 'removeRuntime':
        return pool.removeRuntime('nodejs')
      case 'fail':
        workers[step.what] = step.times
        return
      case 'break':
        return void workers.broken.add(this.revision(step.fn).functionId)
      case 'mend':
        return void workers.broken.delete(this.revision(step.fn).functionId)
    }
  }

  /** Asks for a worker, and calls it when it is there. */
  #ask(n: number): void {
    const caller = new AbortController()
    this.#callers.push(caller)
    const { promise } = this.test.ask(this.revision(n), caller.signal)
    const call = (got: Awaited<typeof promise>) => (got.kind === 'lease' ? got.call(aCall()) : undefined)
    this.#runs.push(promise.then(call, () => {}))
  }

  #runCommand(): void {
    const caller = new AbortController()
    this.#callers.push(caller)
    const call = aCall({ signal: caller.signal })
    this.#runs.push(this.test.pool.runCommand(aRevision({ kind: 'command', image: 'tool' }), call))
  }

  #retire(n: number, why: 'new_code' | 'evicted'): void {
    this.test.pool.retire(this.revision(n).functionId, 0, why)
    if (why === 'evicted') return
    this.#change(n, { packageHash: `code ${++this.#generation}` })
    if (this.revision(n).minWorkers > 0) this.test.pool.keep(this.revision(n))
  }

  #change(n: number, overrides: Partial<Revision>): void {
    this.#revisions[n] = aRevision({ ...this.revision(n), ...overrides })
  }

  #ofHeld(which: number, action: (lease: (typeof this.test.held)[number]) => void): void {
    const { held } = this.test
    const lease = held[which % Math.max(1, held.length)]
    if (lease !== undefined) action(lease)
  }

  /** After every step. */
  check(): void {
    this.test.check()
    for (const { key, functionId, maxWorkers } of this.#revisions) {
      const own = this.test.workers.of(functionId).filter(({ revision }) => revision?.key === key)
      if (maxWorkers !== null) expect(own.length, `workers of ${functionId}`).toBeLessThanOrEqual(maxWorkers)
    }
  }

  /** Nothing fails any more, all calls end: the pool comes to rest. */
  async calmDown(): Promise<void> {
    const { workers } = this.test
    this.test.engineIsUp = true
    for (const what of failing) workers[what] = 0
    workers.broken.clear()
    for (let waited = 0; waited < 2 * acquireTimeoutMs; waited += 1000) {
      for (const lease of this.test.held) this.test.release(lease)
      while (workers.commands.size > 0) workers.endCommand()
      await this.test.pass(1000)
    }
    for (const lease of this.test.held) this.test.release(lease)
    expect(this.test.waiting, 'calls that never ended').toEqual([])
    await Promise.all(this.#runs)
    await this.test.pass(130_000)
    this.test.check(true)
    for (const worker of workers.alive) {
      if (worker.revision === null) continue
      const current = this.#revisions.find(({ functionId }) => functionId === worker.revision?.functionId)
      expect(worker.revision.packageHash, `code of ${worker.name}`).toBe(current?.packageHash)
    }
  }

  /** Every function can still be called, one after the other. */
  async probe(): Promise<void> {
    for (const [n] of functions.entries()) {
      this.#change(n, { minWorkers: 0 })
      this.test.pool.keep(this.revision(n))
    }
    for (const [n] of functions.entries()) {
      const asked = this.test.ask(this.revision(n))
      await this.test.pass(1000)
      expect(asked.lease, `a worker of ${this.revision(n).functionId}`).not.toBeNull()
      this.test.release(asked.lease)
    }
  }
}

test('whatever happens, memory is accounted for, every call ends and every function can be called again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 1500), async (steps, pauseAfterMs) => {
      const run = new Run(pauseAfterMs)
      try {
        for (const each of steps) {
          await run.take(each)
          await settled()
          run.check()
        }
        await run.calmDown()
        await run.probe()
      } finally {
        await run.test.end()
      }
    }),
    { numRuns: Number(process.env.TAIBAI_TEST_RUNS ?? 60) },
  )
}, 120_000)
