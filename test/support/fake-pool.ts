import { FaasError } from '../../src/domain/errors.ts'
import type { AppFunction } from '../../src/domain/functions/app-function.ts'
import type { PoolGauges } from '../../src/domain/platform/gauges.ts'
import type {
  Call,
  Lease,
  LoadFailure,
  Pool,
  RetainedWorker,
  Revision,
  WorkerInfo,
} from '../../src/domain/platform/worker.ts'
import { cancelledOutcome, type Outcome, platformFailure } from '../../src/domain/runs/outcome.ts'

/** What a call does, unless a test says otherwise: the function returns its input. */
export type Behaviour = (call: Call, revision: Revision) => Outcome | Promise<Outcome>

export const returned = (value: unknown, runMs = 5): Outcome => ({
  kind: 'returned',
  value: { kind: 'json', body: Buffer.from(JSON.stringify(value)) },
  runMs,
  cpuMs: 1,
  memoryPeakMb: 20,
})

const echo: Behaviour = (call) => {
  const text = call.input.body.toString('utf8')
  return returned(call.input.kind === 'none' ? null : call.input.kind === 'json' ? JSON.parse(text) : text)
}

/** A pool without containers: it notes what it was asked, and calls do what the test says. */
export class FakePool implements Pool {
  /** What was asked, in order, as a test can compare it: `retire <function id> 0 new_code`. */
  readonly asked: string[] = []
  /** Calls that were made, in order. */
  readonly calls: { call: Call; revision: Revision }[] = []
  /** Leases that were not given back. */
  leased = 0
  behaviour: Behaviour = echo
  /** Thrown by `acquire` when set. */
  refusal: Error | null = null
  /** Answered by `acquire` when set. */
  loadFailure: LoadFailure | null = null
  /** What packages that hold several functions tell of. */
  functions: AppFunction[] | undefined
  #closed = false
  #cancels = new Map<string, (outcome: Outcome) => void>()
  running: WorkerInfo[] = []
  kept: RetainedWorker[] = []
  used = new Map<string, number>()
  waiting = 0
  sizes = { total: 3, available: 2 }
  reservedBytes = 0

  noteHeld(): void {}

  vitals(): PoolGauges {
    return { reservedBytes: 256 * 1024 ** 2, budgetBytes: 1024 ** 3, waitingCalls: this.waiting }
  }

  async acquire(revision: Revision): Promise<Lease | LoadFailure> {
    if (this.#closed) throw new FaasError('shutting_down', 'The server is stopping.')
    if (this.refusal !== null) throw this.refusal
    if (this.loadFailure !== null) return this.loadFailure
    this.leased++
    return {
      kind: 'lease',
      worker: 'worker-1',
      startKind: 'warm',
      coldReason: null,
      loadMs: 0,
      resumeMs: 0,
      functions: this.functions,
      call: (call) => Promise.race([this.#run(call, revision), this.#cancelled(call.executionId)]),
      cancel: (executionId, graceMs) => {
        this.asked.push(`cancel ${executionId} ${graceMs}`)
        this.#cancels.get(executionId)?.(cancelledOutcome(1, true))
      },
      release: () => {
        this.leased--
      },
    }
  }

  async runCommand(revision: Revision, call: Call): Promise<Outcome> {
    if (this.#closed) return platformFailure('The server is stopping.', 0)
    return this.#run(call, revision)
  }

  /** From now on the code of every function is broken. */
  breakCode(): void {
    const error = { type: 'SyntaxError', message: 'broken', stack: null, during: 'load' as const }
    const outcome: Outcome = { kind: 'raised', error, runMs: 1, cpuMs: null, memoryPeakMb: null }
    const start = { worker: 'worker-1', startKind: 'cold' as const, coldReason: 'first' as const, loadMs: 1 }
    this.loadFailure = { kind: 'load_failure', outcome, log: 'loading\n', ...start }
  }

  retire(functionId: string, version: number | null, why: string, next: { key: string } | null = null): void {
    this.asked.push(`retire ${functionId} ${version ?? 'all'} ${why}${next === null ? '' : ' but the next'}`)
  }

  discard(revision: Revision): void {
    this.asked.push(`discard ${revision.functionId}`)
  }

  keep(revision: Revision): void {
    this.asked.push(`keep ${revision.functionId} ${revision.minWorkers}`)
  }

  scaleUp(revision: Revision, count: number): void {
    this.asked.push(`scaleUp ${revision.functionId} ${revision.functionVersion} ${count}`)
  }

  scaleDown(functionId: string, version: number, count: number): void {
    this.asked.push(`scaleDown ${functionId} ${version} ${count}`)
  }

  expect(revision: Revision, atMs: number): void {
    this.asked.push(`expect ${revision.functionId} ${atMs}`)
  }

  workers(): WorkerInfo[] {
    return this.running
  }

  retainedWorkers(): RetainedWorker[] {
    return this.kept
  }

  async memoryUsed(): Promise<ReadonlyMap<string, number>> {
    return this.used
  }

  heldBytes(): number {
    return 0
  }

  capacity(): { total: number; available: number } {
    return this.sizes
  }

  addRuntime(runtime: { id: string; image: string }): void {
    this.asked.push(`addRuntime ${runtime.id} ${runtime.image}`)
  }

  removeRuntime(id: string): void {
    this.asked.push(`removeRuntime ${id}`)
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  /** As a worker whose function does not end by itself. */
  #cancelled(executionId: string): Promise<Outcome> {
    return new Promise((resolve) => this.#cancels.set(executionId, resolve))
  }

  async #run(call: Call, revision: Revision): Promise<Outcome> {
    this.calls.push({ call, revision })
    return this.behaviour(call, revision)
  }
}
