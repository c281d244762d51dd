import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { NewId } from '../../domain/ids.ts'
import { noShares, type Shares } from '../../domain/platform/limits.ts'
import type { Execution, Ledger } from '../../domain/runs/execution.ts'
import type { Log } from '../../domain/runs/log.ts'
import { AcceptedRuns, type AcceptedRunsParts, type Follow, type Resolve } from './accepted-runs.ts'
import { CallDepths } from './call-depth.ts'
import { type NewRun, newExecution, noteEnd, platformOutcome } from './execution-record.ts'
import { RefusalThrottle } from './refusal-throttle.ts'
import { RunEnds, type RunEndsParts } from './run-ends.ts'
import type { RunEvents } from './run-events.ts'
import type { AcceptedRun, FinishedRun, RunRequest } from './run-request.ts'
import { Runner, type RunnerParts } from './runner.ts'

export type { Follow, Resolve } from './accepted-runs.ts'
export type { AcceptedRun, FinishedRun as Finished, RunRequest } from './run-request.ts'

export interface InvocationParts extends Omit<RunnerParts, 'ends'> {
  ledger: Ledger
  clock: Clock
  newId: NewId
  log: Log
  onEnd?: RunEndsParts['onEnd']
  events?: RunEvents
  limits: InvocationLimits
  random?: AcceptedRunsParts['random']
  onResult?: AcceptedRunsParts['onResult']
  /** Limits of functions and projects; absent: none. */
  shares?: Shares
}

/**
 * `logExecutions`: which runs get a line in the server's log: those that did not succeed, or all. `maxCallDepth`: longest chain
 * of functions that call each other.
 */
export type InvocationLimits = AcceptedRunsParts['limits'] &
  RunnerParts['limits'] &
  RunEndsParts['limits'] & { maxCallDepth: number }

/**
 * The only path on which a function runs: HTTP, jobs, webhooks and the queue all come here. It opens an execution, takes a
 * worker, runs, closes the execution on every path, and returns the worker. It knows nothing of HTTP or SQL.
 */
export class Invocation {
  #parts: InvocationParts
  #shares: Shares
  #ends: RunEnds
  #runner: Runner
  #accepted: AcceptedRuns
  #depths: CallDepths
  #refusals: RefusalThrottle
  #closing = false

  constructor(parts: InvocationParts) {
    const { ledger, clock, log, limits } = parts
    this.#parts = parts
    this.#shares = parts.shares ?? noShares
    this.#depths = new CallDepths(limits.maxCallDepth)
    this.#refusals = new RefusalThrottle(clock)
    this.#ends = new RunEnds({ ledger, log, limits, onEnd: parts.onEnd, events: parts.events })
    this.#runner = new Runner({ ...parts, ends: this.#ends })
    this.#accepted = new AcceptedRuns({
      ...{ runner: this.#runner, ends: this.#ends, ledger, clock, log, limits },
      ...{ random: parts.random, onResult: parts.onResult, shares: this.#shares },
    })
  }

  /**
   * Runs now and waits for the end. Failures of the function or the platform are in the outcome. Throws FaasError
   * `limit_reached`.
   */
  async run(request: RunRequest): Promise<FinishedRun> {
    this.#refuseWhenClosing()
    const { revision } = request.target
    const entered = this.#enter(request)
    const leave = entered instanceof Promise ? await entered : entered
    try {
      const execution = this.#begin(request, true)
      this.#parts.ledger.open(execution)
      const { outcome } = await this.#runner.perform(execution, request, 0)
      this.#ends.finish(execution, revision)
      return { execution, outcome }
    } finally {
      leave?.()
    }
  }

  /** Accepts a run: durable when this resolves, even after `kill -9`. Throws FaasError `queue_full`. */
  accept(request: RunRequest): Promise<AcceptedRun> {
    if (this.#closing) return Promise.reject(isStopping())
    const refuse = (error: unknown) => this.#refuse(request, error)
    return this.#accepted.accept(this.#begin(request, false), request).catch(refuse)
  }

  /** Runs a finished run again under its id. Throws FaasError `queue_full`, `not_found`. */
  async redrive(execution: Execution): Promise<AcceptedRun> {
    this.#refuseWhenClosing()
    return this.#accepted.redrive(execution)
  }

  /** Records as `error` a run that could not be attempted. */
  recordUntried(run: NewRun, error: unknown): Execution {
    const execution = newExecution(run, this.#parts.clock.now())
    this.#parts.ledger.open(execution)
    noteEnd(execution, platformOutcome(error), this.#parts.clock.now())
    this.#ends.finish(execution, null)
    return execution
  }

  /** Continues the runs that an earlier process accepted. Returns their number. */
  recover(resolve: Resolve, follow?: Follow): number {
    return this.#accepted.recover(resolve, follow)
  }

  /**
   * Ends a waiting run now. An active run gets a cancel signal, and its worker is ended when the run does not end within the
   * grace. A finished run is unaffected.
   */
  cancel(executionId: string): void {
    if (!this.#accepted.cancel(executionId)) this.#runner.cancel(executionId)
  }

  /** Resolves when the run is over, or when the signal fires; at once for an unknown run. */
  untilOver(executionId: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const stop = this.#ends.onceOver(executionId, resolve)
      signal.addEventListener('abort', () => resolve(stop()), { once: true })
    })
  }

  /** The record of this unfinished run was deleted: it does not begin any more, and nothing is written at its end. */
  forget(executionId: string): void {
    if (!this.#accepted.forget(executionId)) this.#ends.forget(executionId)
  }

  /** An active run, with its log so far. */
  live(executionId: string): { execution: Execution; log: string } | undefined {
    return this.#runner.live(executionId)
  }

  /** Number of active runs, and of accepted ones that wait. */
  unfinishedCount(): { running: number; queued: number } {
    return { running: this.#runner.size, queued: this.#accepted.waiting }
  }

  /** A project's active and waiting runs. */
  heldBy(projectId: string): { running: number; queuedRuns: number; queuedBytes: number } {
    const { held, heldBytes } = this.#accepted.heldBy(projectId)
    return { running: this.#runner.runningOf(projectId), queuedRuns: held, queuedBytes: heldBytes }
  }

  /** Takes no more work; queued runs stay in the ledger for the next start. Resolves when active runs have ended. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#accepted.close()
  }

  /** Returns a promise only for a refusal. */
  #enter(request: RunRequest): ReturnType<Shares['enter']> | Promise<never> {
    try {
      return this.#shares.enter(request.target.revision)
    } catch (error) {
      return this.#refuse(request, error)
    }
  }

  async #refuse({ target, signal, input }: RunRequest, error: unknown): Promise<never> {
    const isLimit = error instanceof FaasError && (error.code === 'limit_reached' || error.code === 'queue_full')
    if (isLimit && !this.#closing && signal?.aborted !== true)
      await this.#refusals.turn(target.revision.projectId, input.body.length)
    throw error
  }

  #begin(request: RunRequest, sync: boolean): Execution {
    const { fn, version, alias, revision } = request.target
    const {
      projectId,
      trigger,
      from,
      triggerId = from ?? null,
      input,
      executionId = this.#parts.newId(),
      description = null,
    } = request
    if (from !== undefined) this.#depths.note(executionId, from)
    const run = {
      executionId,
      projectId,
      functionId: fn.id,
      functionVersion: version,
      functionAlias: alias,
      trigger,
      triggerId,
      description,
      input,
    }
    const execution = newExecution(run, this.#parts.clock.now())
    execution.sync = sync
    execution.attempt = sync ? 1 : 0
    execution.isImageRun = revision.kind === 'command'
    if (request.terms !== undefined) {
      execution.terms = request.terms
      execution.runAt = request.terms.runAtMs ?? null
    }
    return execution
  }

  #refuseWhenClosing(): void {
    if (this.#closing) throw isStopping()
  }
}

const isStopping = (): FaasError => new FaasError('shutting_down', 'The server is stopping; try again in a moment.')
