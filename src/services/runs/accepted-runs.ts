import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import { noShares, type Shares } from '../../domain/platform/limits.ts'
import type { CallInput, Revision } from '../../domain/platform/worker.ts'
import type { Execution, Ledger } from '../../domain/runs/execution.ts'
import { hashOfId, InFlight } from '../../domain/runs/in-flight.ts'
import { inputFromRecord } from '../../domain/runs/input.ts'
import type { Log } from '../../domain/runs/log.ts'
import { cancelledOutcome, type Outcome } from '../../domain/runs/outcome.ts'
import { retryCauseOf } from '../../domain/runs/retries.ts'
import type { Target, TargetRef } from '../functions/targets.ts'
import { AsyncQueue, type AsyncQueueLimits, type QueueReservation } from './async-queue.ts'
import {
  endLogFields,
  noteEnd,
  platformOutcome,
  recordRetriesExpired,
  reopenRecord,
  responseKindOf,
} from './execution-record.ts'
import type { QueuedRun } from './queue-lanes.ts'
import { resultDeliveryOf } from './result-destination.ts'
import { RunCaller } from './run-caller.ts'
import type { RunEnds } from './run-ends.ts'
import type { AcceptedRun, RunRequest } from './run-request.ts'
import { type AttemptEnding, type RetryLimits, RunRetries } from './run-retries.ts'
import type { Runner } from './runner.ts'

/** Resolves the target of an accepted run again. Throws FaasError when it is gone or cannot run now. */
export type Resolve = (projectId: string, ref: TargetRef) => Target

/** Called for each run that continues after a restart; the run waits for the result. */
export type Follow = (run: AcceptedRun) => Promise<unknown> | undefined

export interface AcceptedRunsLimits extends AsyncQueueLimits, RetryLimits {}

export interface AcceptedRunsParts {
  runner: Runner
  ends: RunEnds
  ledger: Ledger
  clock: Clock
  log: Log
  limits: AcceptedRunsLimits
  shares?: Shares | undefined
  /** From 0 to 1; jitter for the pauses between attempts. */
  random?(): number
  /** Called for each finished run whose result has a destination. */
  onResult?(execution: Execution): void
}

/** State of a run between attempts. */
interface Promised {
  execution: Execution
  place: QueueReservation
  tries: number
  /** Start of its time in the queue; the clock's elapsed ms. */
  since: number
  /** The original request; null: reconstructed from the record. */
  request: RunRequest | null
  /** True when the server ended during an attempt and no other has begun. */
  wasAtWork: boolean
}

/** Accepted runs: durable before they are accepted, and retried until they succeed or become dead letters. */
export class AcceptedRuns {
  #parts: AcceptedRunsParts
  #queue: AsyncQueue
  #shares: Shares
  #promised = new InFlight<string, Promised>(hashOfId)
  #retries: RunRetries
  /** Null: before `recover`. */
  #resolve: Resolve | null = null
  #closing = false

  constructor(parts: AcceptedRunsParts) {
    const { limits, clock } = parts
    this.#parts = parts
    this.#shares = parts.shares ?? noShares
    this.#queue = new AsyncQueue(limits, clock, this.#shares)
    this.#retries = new RunRetries(limits, clock, parts.random)
  }

  /** Number of runs that have not begun. */
  get waiting(): number {
    return this.#queue.waiting
  }

  /** Durable when this resolves, even after `kill -9`. Throws FaasError `queue_full`. */
  async accept(execution: Execution, request: RunRequest): Promise<AcceptedRun> {
    execution.request = request.http ?? null
    const place = this.#queue.reserve(this.#queued(execution, request.input, request.target.revision))
    const isNew = await this.#parts.ledger.accept(execution).catch((error: unknown) => {
      place.giveUp()
      throw error
    })
    if (!isNew) {
      place.giveUp()
      return { execution, finished: Promise.resolve(execution), duplicate: true }
    }
    const finished = this.#promise(execution, place, request, request.after)
    return { execution, finished, duplicate: false }
  }

  /** Number and bytes of a project's waiting runs. */
  heldBy(projectId: string): { held: number; heldBytes: number } {
    return this.#queue.heldBy(projectId)
  }

  /** Continues the runs that an earlier process accepted. Returns their number. */
  recover(resolve: Resolve, follow?: Follow): number {
    this.#resolve = resolve
    const left = this.#parts.ledger.unfinished()
    for (const execution of left) this.#resume(execution, follow)
    return left.length
  }

  /**
   * Runs a finished run again under its id, as if it were new. Durable when this resolves. Throws FaasError `queue_full`,
   * `not_found`.
   */
  async redrive(execution: Execution): Promise<AcceptedRun> {
    const input = inputFromRecord(execution.inputKind, execution.input)
    const place = this.#queue.reserve(this.#queued(execution, input))
    const isThere = await this.#parts.ledger.rewrite(execution).catch((error: unknown) => {
      place.giveUp()
      throw error
    })
    if (!isThere) {
      place.giveUp()
      throw new FaasError('not_found', `Execution ${execution.id} is deleted, or runs already.`)
    }
    this.#parts.ends.tell(execution)
    return { execution, finished: this.#promise(execution, place, null), duplicate: false }
  }

  /** Cancels a waiting run. False: it does not wait. */
  cancel(executionId: string): boolean {
    const promised = this.#promised.get(executionId)
    if (promised === undefined || !promised.place.giveUp()) return false
    const { execution } = promised
    execution.runAt = null
    noteEnd(execution, cancelledOutcome(0, execution.attempt > 0), this.#parts.clock.now())
    this.#leave(execution)
    this.#parts.ends.finish(execution, null)
    return true
  }

  /** Removes a waiting run whose record was deleted. False: it does not wait. */
  forget(executionId: string): boolean {
    const promised = this.#promised.get(executionId)
    if (promised === undefined || !promised.place.giveUp()) return false
    this.#leave(promised.execution)
    this.#parts.ends.wake(executionId)
    return true
  }

  /** Begins no more runs; queued runs stay in the ledger for the next start. Resolves when active runs have ended. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#queue.close()
  }

  /** Applies the limits of its function and project, which are checked when the run is next. */
  #queued(execution: Execution, input: CallInput, revision?: Revision): QueuedRun {
    const { projectId, functionId, functionVersion } = execution
    const enter = () => {
      try {
        const limited = revision ?? this.#resolve?.(projectId, { functionId, functionVersion }).revision
        return limited === undefined ? null : this.#shares.tryEnter(limited)
      } catch {
        // A missing target fails in the attempt.
        return null
      }
    }
    return { ...queuedRun(execution, input), enter }
  }

  #promise(
    execution: Execution,
    place: QueueReservation,
    request: RunRequest | null,
    after?: Promise<unknown>,
  ): Promise<Execution> {
    const since = this.#parts.clock.elapsed()
    const wasAtWork = request === null && hasBegunOnly(execution)
    const promised: Promised = { execution, place, tries: 0, since, request, wasAtWork }
    this.#promised.set(execution.id, promised)
    const begin = () => place.enqueue(() => this.#attempt(promised), execution.runAt)
    const ended = after === undefined ? begin() : after.then(begin, begin)
    return ended.then(() => execution)
  }

  /** A run with several attempts and no end may be what crashes the server: at most one of those runs at a time. */
  #resume(execution: Execution, follow?: Follow): void {
    const input = inputFromRecord(execution.inputKind, execution.input)
    const isSuspect = execution.attempt > 1 && hasBegunOnly(execution)
    const place = this.#queue.readmit({ ...this.#queued(execution, input), isSuspect })
    const { promise: finished, resolve: finish } = Promise.withResolvers<Execution>()
    const before = follow?.({ execution, finished, duplicate: false })
    void this.#promise(execution, place, null, before).then(finish)
  }

  /** Returns null when the run is over, else the pause before the next attempt. */
  async #attempt(promised: Promised): Promise<number | null> {
    const { execution } = promised
    if (this.#parts.ends.takeForgotten(execution.id)) {
      this.#parts.ends.wake(execution.id)
      return this.#leave(execution)
    }
    promised.tries++
    const request = this.#requestOf(promised)
    if (request instanceof FaasError) return this.#cannotBegin(promised, request)
    const { target } = request
    if (promised.wasAtWork && this.#retries.endsWithServer(execution, target)) {
      return this.#usedUp(promised, target)
    }
    promised.wasAtWork = false
    const queueMs = this.#parts.clock.elapsed() - promised.since
    const done = await this.#parts.runner.perform(execution, request, queueMs, this.#countAttempt)
    const end = { cause: done.isCancelled ? null : retryCauseOf(done.outcome), hasBegun: done.hasBegun }
    return this.#settle(promised, target, end, done.outcome)
  }

  /** The first attempt uses the original request; later ones use the function as it is then. */
  #requestOf(promised: Promised): RunRequest | FaasError {
    const { execution, tries, request } = promised
    const caller = new RunCaller()
    if (request !== null && (this.#resolve === null || (tries === 1 && execution.runAt === null))) {
      return { ...request, caller }
    }
    const { functionId, functionVersion, projectId, trigger } = execution
    try {
      if (this.#resolve === null) throw new FaasError('runtime_unavailable', 'The server begins.')
      const target = this.#resolve(projectId, { functionId, functionVersion })
      const input = request?.input ?? inputFromRecord(execution.inputKind, execution.input)
      const http = execution.request ?? undefined
      const { onOutcome, traceparent } = request ?? {}
      return { target, trigger, projectId, input, http, onOutcome, traceparent, caller }
    } catch (error) {
      return error instanceof FaasError ? error : new FaasError('internal', 'The run failed.', { cause: error })
    }
  }

  #usedUp({ execution }: Promised, target: Target): number | null {
    const { attempt } = execution
    const times = attempt === 1 ? 'once' : `${attempt} times in total`
    const error = new FaasError('internal', `The server ended while this run was running, ${times}.`)
    noteEnd(execution, platformOutcome(error), this.#parts.clock.now())
    return this.#die(execution, target.revision, target)
  }

  /** The target is gone or not ready, which may be temporary. */
  #cannotBegin(promised: Promised, error: FaasError): number | null {
    const { execution } = promised
    const outcome = platformOutcome(error)
    noteEnd(execution, outcome, this.#parts.clock.now())
    if (error.code !== 'runtime_unavailable') return this.#die(execution, null)
    return this.#settle(promised, null, { cause: 'error', hasBegun: false }, outcome)
  }

  /** A run interrupted by our own stop stays unfinished: the next start continues it. */
  #settle(promised: Promised, target: Target | null, end: AttemptEnding, outcome: Outcome): number | null {
    const { execution } = promised
    const step = this.#retries.stepAfter(execution, promised.tries, target, end)
    if (step.kind !== 'again' && !(this.#closing && execution.status === 'error')) {
      if (step.kind === 'dead' && step.why === 'age')
        recordRetriesExpired(execution, this.#retries.ruleOf(execution, target).maxAgeMs)
      promised.request?.onOutcome?.(outcome)
      if (execution.terms?.key !== undefined) {
        execution.terms = { ...execution.terms, answered: responseKindOf(outcome) }
      }
      if (step.kind === 'dead') return this.#die(execution, target?.revision ?? null, target)
      return this.#end(execution, target?.revision ?? null, target)
    }
    if (step.kind === 'again') return this.#again(promised, step.pauseMs)
    promised.wasAtWork = true
    return this.#again(promised, this.#retries.platformRule.firstPauseMs)
  }

  #again({ execution, wasAtWork }: Promised, pauseMs: number): number {
    const { log, ledger, clock, ends } = this.#parts
    log.warn(endLogFields(execution), 'execution will be tried again')
    reopenRecord(execution)
    execution.runAt = wasAtWork ? null : Math.ceil(clock.now() + pauseMs)
    ends.tell(execution)
    ledger.close(execution)
    return pauseMs
  }

  /** The run becomes a dead letter: it is not retried automatically. */
  #die(execution: Execution, revision: Revision | null, target: Target | null = null): null {
    execution.deadAt = this.#parts.clock.now()
    return this.#end(execution, revision, target)
  }

  #end(execution: Execution, revision: Revision | null, target: Target | null): null {
    this.#leave(execution)
    execution.runAt = null
    execution.delivery = resultDeliveryOf(execution, target)
    if (execution.delivery !== null) execution.deliverAt = this.#parts.clock.now()
    this.#parts.ends.finish(execution, revision)
    if (execution.delivery !== null) this.#parts.onResult?.(execution)
    return null
  }

  #leave({ id }: Execution): null {
    this.#promised.delete(id)
    return null
  }

  /** Counts the attempt on disk before any of it runs. */
  #countAttempt = async (execution: Execution): Promise<void> => {
    execution.attempt += 1
    execution.runAt = null
    await this.#parts.ledger.begun(execution)
  }
}

/** True for a run that was active when the server ended and waits for no retry. */
const hasBegunOnly = ({ attempt, runAt }: Execution): boolean => attempt > 0 && runAt === null

const queuedRun = (execution: Execution, input: CallInput): QueuedRun => {
  const { projectId, functionId, terms, request } = execution
  const bytes = input.body.length + (request?.body?.length ?? 0)
  return { projectId, functionId, bytes, priority: terms?.priority ?? 0 }
}
