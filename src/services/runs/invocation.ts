import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { Execution, Ledger, Trigger } from '../../domain/execution.ts'
import type { Fn } from '../../domain/function.ts'
import type { NewId } from '../../domain/ids.ts'
import { inputFromRecord } from '../../domain/input.ts'
import type { Log } from '../../domain/log.ts'
import type { ActingSession, Trusts } from '../../domain/openstack.ts'
import type { Outcome } from '../../domain/outcome.ts'
import type {
  Call,
  Caller,
  CallInput,
  HttpRequestHead,
  Lease,
  Pool,
  Revision,
  StreamSink,
} from '../../domain/worker.ts'
import type { SwiftCode } from '../functions/swift-code.ts'
import type { Target, TargetRef } from '../functions/targets.ts'
import { AsyncQueue, type AsyncQueueLimits, type QueuedRun } from './async-queue.ts'
import {
  endKeys,
  endText,
  forgetEnd,
  lastWords,
  type NewRun,
  newExecution,
  noteEnd,
  noteStart,
  noteTooOld,
  platformOutcome,
} from './execution-record.ts'
import { LogBuffer } from './log-buffer.ts'
import type { RunEvents } from './run-events.ts'

export interface RunRequest {
  target: Target
  /** The caller's project: the execution belongs to it. */
  projectId: string
  trigger: Trigger
  /** Id of the job, webhook or source that makes it. */
  triggerId?: string
  input: CallInput
  description?: string | null
  /** Made by the caller when asking twice must run once (a job's run); else a new one. */
  executionId?: string
  http?: HttpRequestHead
  sink?: StreamSink
  /** Fires when nobody waits for the answer any more: the call is told. */
  signal?: AbortSignal
  /** Who waits for the run: one that leaves before it begins gives up its place in line. */
  caller?: Caller
  /** An accepted run begins when this has resolved (a job whose runs take turns). */
  after?: Promise<unknown>
}

export interface Finished {
  execution: Execution
  outcome: Outcome
}

export interface Accepted {
  execution: Execution
  /** Resolves when the run is over; never rejects. */
  finished: Promise<Execution>
  /** True when a run with this id had been accepted before; nothing was added then. */
  duplicate: boolean
}

/** Finds again what an accepted run is to run. Throws FaasError when it is gone or cannot run now. */
export type Resolve = (projectId: string, ref: TargetRef) => Target

/** Told of each run that goes on after a start; the run waits for what it returns. */
export type Follow = (run: Accepted) => Promise<unknown> | undefined

export interface InvocationParts {
  pool: Pool
  ledger: Ledger
  clock: Clock
  newId: NewId
  log: Log
  /** Told of every run that is over and what it ran in, for statistics. Must be quick and not throw. */
  onEnd?(execution: Execution, revision: Revision | null): void
  /** Told of runs as they go, while somebody watches. */
  events?: RunEvents
  /** Both absent without Keystone. */
  trusts?: Pick<Trusts, 'acting'>
  swift?: Pick<SwiftCode, 'current'>
  limits: InvocationLimits
  /** From 0 to 1; for pauses between tries. */
  random?(): number
}

export interface InvocationLimits extends AsyncQueueLimits {
  /** Bytes of output kept of one run. */
  maxLogBytes: number
  /** Which runs leave a line in the log of the server: those that did not succeed, or all. */
  logExecutions: 'failed' | 'all'
  /** Times that an accepted run may begin, when the platform fails while it runs. */
  maxAttempts: number
  /** How long an accepted run is tried for. */
  maxAsyncAgeMs: number
}

/** What became of a try. */
interface Try {
  outcome: Outcome
  /** The function has begun, so that the try counts as an attempt. */
  hasBegun: boolean
}

interface Active {
  execution: Execution
  log: LogBuffer
}

/**
 * The one way a function is run: HTTP, job, webhook and queue all come through here. Opens an execution, takes a worker,
 * runs, closes the execution on every way out, gives the worker back. Knows nothing of HTTP or SQL.
 */
export class Invocation {
  #parts: InvocationParts
  #queue: AsyncQueue
  #active = new Map<string, Active>()
  /** Runs whose record was deleted before their end: no record is written of them any more. */
  #forgotten = new Set<string>()
  /** Runs that have begun before, or may have. */
  #cautious = new Set<string>()
  #closing = false

  constructor(parts: InvocationParts) {
    this.#parts = parts
    this.#queue = new AsyncQueue(parts.limits, parts.clock, parts.random)
  }

  /** Runs now and waits for the end. Whatever the function or the platform does is in the outcome. */
  async run(request: RunRequest): Promise<Finished> {
    this.#refuseWhenClosing()
    const execution = this.#begin(request, true)
    this.#parts.ledger.open(execution)
    const { outcome } = await this.#perform(execution, request, 0)
    this.#finish(execution, request.target.revision)
    return { execution, outcome }
  }

  /** Promises a run: durable when this resolves, also through `kill -9`. Throws FaasError `queue_full`. */
  async accept(request: RunRequest): Promise<Accepted> {
    this.#refuseWhenClosing()
    const execution = this.#begin(request, false)
    execution.request = request.http ?? null
    const place = this.#queue.reserve(queuedRun(execution, request.input, request.http))
    const isNew = await this.#parts.ledger.accept(execution).catch((error: unknown) => {
      place.giveUp()
      throw error
    })
    if (!isNew) {
      place.giveUp()
      return { execution, finished: Promise.resolve(execution), duplicate: true }
    }
    const acceptedAt = this.#parts.clock.elapsed()
    const begin = () => place.enqueue(() => this.#performUntilSettled(execution, request, acceptedAt))
    const ended = request.after === undefined ? begin() : request.after.then(begin, begin)
    return { execution, finished: ended.then(() => execution), duplicate: false }
  }

  /** Records as `error` a run that could not be tried. */
  recordUntried(run: NewRun, error: unknown): Execution {
    const execution = newExecution(run, this.#parts.clock.now())
    this.#parts.ledger.open(execution)
    noteEnd(execution, platformOutcome(error), this.#parts.clock.now())
    this.#finish(execution, null)
    return execution
  }

  /** Goes on with what an earlier process accepted. Returns how many runs that are. */
  recover(resolve: Resolve, follow?: Follow): number {
    const left = this.#parts.ledger.unfinished()
    for (const execution of left) this.#resume(execution, resolve, follow)
    return left.length
  }

  /** The record of this unfinished run was deleted: it is not begun any more, and nothing is written when it ends. */
  forget(executionId: string): void {
    this.#forgotten.add(executionId)
  }

  /** A run that has not ended, with its log so far. */
  live(executionId: string): { execution: Execution; log: string } | undefined {
    const active = this.#active.get(executionId)
    return active && { execution: active.execution, log: active.log.text() }
  }

  /** Runs that have begun and not ended, and accepted ones that wait. */
  unfinishedCount(): { running: number; queued: number } {
    return { running: this.#active.size, queued: this.#queue.waiting }
  }

  /** Takes no more work; what is queued stays in the ledger for the next start. Resolves when what runs has ended. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#queue.close()
  }

  #begin(request: RunRequest, sync: boolean): Execution {
    const { fn, version, alias, revision } = request.target
    const {
      projectId,
      trigger,
      triggerId = null,
      input,
      executionId = this.#parts.newId(),
      description = null,
    } = request
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
    return execution
  }

  #refuseWhenClosing(): void {
    if (this.#closing) throw new FaasError('shutting_down', 'The server is stopping; try again in a moment.')
  }

  /** What has begun more than once without an end may be what brings the server down: one of those at a time. */
  #resume(execution: Execution, resolve: Resolve, follow?: Follow): void {
    const { functionId, functionVersion, projectId, trigger } = execution
    const input = inputFromRecord(execution.inputKind, execution.input)
    const from = this.#parts.clock.elapsed()
    const http = execution.request ?? undefined
    const place = this.#queue.readmit({ ...queuedRun(execution, input, http), isSuspect: execution.attempt > 1 })
    this.#cautious.add(execution.id)
    const attempt = async (): Promise<boolean> => {
      try {
        this.#refuseUsedUp(execution)
        const target = resolve(projectId, { functionId, functionVersion })
        return await this.#performUntilSettled(execution, { target, trigger, projectId, input, http }, from)
      } catch (error) {
        noteEnd(execution, platformOutcome(error), this.#parts.clock.now())
        return this.#settle(execution, null, !isPassing(error))
      }
    }
    const { promise: finished, resolve: finish } = Promise.withResolvers<Execution>()
    const before = follow?.({ execution, finished, duplicate: false })
    const begin = () => place.enqueue(attempt)
    const ended = before === undefined ? begin() : before.then(begin, begin)
    void ended.then(() => finish(execution))
  }

  /** True when the run is over; false when it must be tried again after a pause. */
  async #performUntilSettled(execution: Execution, request: RunRequest, acceptedAt: number): Promise<boolean> {
    if (this.#forgotten.delete(execution.id)) return true
    const queueMs = this.#parts.clock.elapsed() - acceptedAt
    const { outcome, hasBegun } = await this.#perform(execution, request, queueMs)
    const isFinal = outcome.kind !== 'platform' || (hasBegun && execution.attempt >= this.#parts.limits.maxAttempts)
    return this.#settle(execution, request.target.revision, isFinal)
  }

  /** A run that was cut off by our own stop stays unfinished: the next start goes on with it. */
  #settle(execution: Execution, revision: Revision | null, isFinal: boolean): boolean {
    const { log, ledger, clock, limits } = this.#parts
    const isTooOld = clock.now() - execution.createdAt >= limits.maxAsyncAgeMs
    if ((isFinal || isTooOld) && !(this.#closing && execution.status === 'error')) {
      if (!isFinal) noteTooOld(execution, limits.maxAsyncAgeMs)
      this.#cautious.delete(execution.id)
      this.#finish(execution, revision)
      return true
    }
    log.warn(endKeys(execution), 'execution will be tried again')
    // Whatever it was that failed: what has begun before is counted on disk before it begins again.
    if (execution.attempt > 0) this.#cautious.add(execution.id)
    forgetEnd(execution)
    this.#tell(execution)
    ledger.close(execution)
    return false
  }

  /** One that brought the server down each time must not do so for ever. */
  #refuseUsedUp({ attempt }: Execution): void {
    if (attempt < this.#parts.limits.maxAttempts) return
    throw new FaasError('internal', `The server ended while this run was at work, ${attempt} times in all.`)
  }

  /** An accepted run begins: that counts. What may bring the server down with it is counted on disk first. */
  #countAttempt(execution: Execution): Promise<void> | undefined {
    const { ledger } = this.#parts
    if (execution.sync) return undefined
    execution.attempt += 1
    if (!this.#cautious.has(execution.id)) {
      ledger.begun(execution)
      return undefined
    }
    ledger.close(execution)
    return ledger.flushed()
  }

  /** Awaits only what is a promise: a warm call waits for nothing but its end. */
  async #perform(execution: Execution, request: RunRequest, queueMs: number): Promise<Try> {
    const { clock, pool } = this.#parts
    const startedAt = clock.elapsed()
    const log = new LogBuffer(this.#parts.limits.maxLogBytes)
    this.#active.set(execution.id, { execution, log })
    this.#tell(execution)
    execution.phases = { queue: queueMs, acquire: 0, load: 0, resume: 0, run: 0, total: 0 }
    let lease: Lease | undefined
    let outcome: Outcome
    let hasBegun = false
    const attemptsBefore = execution.attempt
    try {
      const target = this.#targetNow(request.target)
      const { fn, revision } = target instanceof Promise ? await target : target
      const session = this.#sessionOf(fn)
      if (revision.kind === 'command') {
        await this.#countAttempt(execution)
        execution.startKind = 'cold'
        const onBegin = () => {
          hasBegun = true
        }
        outcome = await pool.runCommand(revision, { ...this.#callOf(execution, request, log, undefined), onBegin })
      } else {
        const acquired = pool.acquire(revision, request.caller)
        const got = acquired instanceof Promise ? await acquired : acquired
        noteStart(execution, got, clock.elapsed() - startedAt)
        if (got.kind === 'lease') lease = got
        const acting = session instanceof Promise ? await session : session
        const counted = this.#countAttempt(execution)
        if (counted !== undefined) await counted
        hasBegun = true
        if (got.kind === 'lease') outcome = await got.call(this.#callOf(execution, request, log, acting))
        else {
          log.add(got.log)
          outcome = got.outcome
        }
      }
    } catch (error) {
      outcome = platformOutcome(error)
    }
    lease?.release()
    if (!hasBegun) execution.attempt = attemptsBefore
    const runEndedAt = clock.elapsed()
    execution.phases.run = runEndedAt - startedAt - execution.phases.acquire
    execution.phases.total = queueMs + runEndedAt - startedAt
    log.add(lastWords(outcome))
    execution.log = log.text()
    this.#active.delete(execution.id)
    noteEnd(execution, outcome, this.#parts.clock.now())
    return { outcome, hasBegun }
  }

  #callOf(
    execution: Execution,
    { trigger, input, http, sink, signal }: RunRequest,
    log: LogBuffer,
    session: ActingSession | undefined,
  ): Call {
    const { events } = this.#parts
    const onLog: Call['onLog'] = (_stream, text) => {
      log.add(text)
      if (events?.isWatched) events.tell({ kind: 'log', execution, text })
    }
    return { executionId: execution.id, trigger, input, http, sink, signal, session, onLog }
  }

  #tell(execution: Execution): void {
    const { events } = this.#parts
    if (events?.isWatched) events.tell({ kind: 'execution', execution })
  }

  /** Code in Swift may have changed. */
  #targetNow(target: Target): Target | Promise<Target> {
    const { swift } = this.#parts
    return target.fn.code.source === 'swift' && swift !== undefined ? swift.current(target) : target
  }

  /** Asked for before there is a worker, so that a new token is there as soon as it. */
  #sessionOf({ trustId }: Fn): ActingSession | Promise<ActingSession> | undefined {
    return trustId === null ? undefined : this.#parts.trusts?.acting(trustId)
  }

  /** The run is over: one wide line in the log where it is wanted, and the record unless it was deleted meanwhile. */
  #finish(execution: Execution, revision: Revision | null): void {
    const { log, ledger, onEnd, limits } = this.#parts
    if (execution.status === 'error') log.warn(endKeys(execution), 'execution ended')
    else if (execution.status === 'failed' || limits.logExecutions === 'all') {
      log.infoText(endText(execution), 'execution ended')
    }
    onEnd?.(execution, revision)
    this.#tell(execution)
    if (!this.#forgotten.delete(execution.id)) ledger.close(execution)
  }
}

/** Waiting helps: what is to run exists, and cannot run yet. */
const isPassing = (error: unknown): boolean => error instanceof FaasError && error.code === 'runtime_unavailable'

const queuedRun = ({ projectId, functionId }: Execution, input: CallInput, http?: HttpRequestHead): QueuedRun => {
  return { projectId, functionId, bytes: input.body.length + (http?.body?.length ?? 0) }
}
