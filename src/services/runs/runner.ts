import type { Clock } from '../../domain/clock.ts'
import type { Fn } from '../../domain/functions/function.ts'
import type { ActingSession, Trusts } from '../../domain/platform/openstack.ts'
import type { Call, Caller, Lease, Pool, Revision } from '../../domain/platform/worker.ts'
import type { Execution } from '../../domain/runs/execution.ts'
import type { HttpRequestHead } from '../../domain/runs/http-request.ts'
import { hashOfId, InFlight } from '../../domain/runs/in-flight.ts'
import { cancelledOutcome, type Outcome } from '../../domain/runs/outcome.ts'
import type { SwiftCode } from '../functions/swift-code.ts'
import type { Target } from '../functions/targets.ts'
import type { AppQueues } from './app-queues.ts'
import { failureLogText, noteEnd, noteStart, platformOutcome } from './execution-record.ts'
import { LogBuffer } from './log-buffer.ts'
import type { RunEnds } from './run-ends.ts'
import type { RunEvents } from './run-events.ts'
import type { RunRequest } from './run-request.ts'
import type { Traces } from './traces.ts'
import { CountedSink, type UsageMeter } from './usage-meter.ts'

export interface RunnerParts {
  pool: Pool
  clock: Clock
  ends: RunEnds
  events?: RunEvents
  /** Called for every attempt that got a worker. */
  meter?: Pick<UsageMeter, 'call'>
  /** Absent: no traces are created, and functions see their caller's. */
  traces?: Pick<Traces, 'begin'>
  /** Where the outputs of apps go; absent: nowhere. */
  queues?: Pick<AppQueues, 'deliver'>
  /** Both absent without Keystone. */
  trusts?: Pick<Trusts, 'acting'>
  swift?: Pick<SwiftCode, 'current'>
  limits: {
    /** Limit of bytes of output of one run. */
    maxLogBytes: number
    /** How long a function may take to end after it was cancelled. */
    cancelGraceMs: number
  }
}

/** The result of an attempt. */
export interface AttemptResult {
  outcome: Outcome
  /** True when the function has begun, so that the attempt counts. */
  hasBegun: boolean
  isCancelled: boolean
}

/** Called before the function begins; its result is awaited. */
export type OnBegin = (execution: Execution) => Promise<void> | undefined

interface Active {
  execution: Execution
  log: LogBuffer
  caller: Caller | undefined
  lease: Lease | undefined
  /** Stops the run of a `command` image, which has no other cancel signal. */
  stop: AbortController | undefined
  isCancelled: boolean
}

/**
 * Performs one attempt of a run: takes a worker, calls, returns the worker, and notes the result in the execution. Knows which
 * runs are active.
 */
export class Runner {
  #parts: RunnerParts
  #active = new InFlight<string, Active>(hashOfId)

  constructor(parts: RunnerParts) {
    this.#parts = parts
  }

  /** Number of a project's active calls. */
  runningOf(projectId: string): number {
    let running = 0
    for (const { execution } of this.#active.values()) if (execution.projectId === projectId) running++
    return running
  }

  /** Number of active runs. */
  get size(): number {
    return this.#active.size
  }

  /** An active run, with its log so far. */
  live(executionId: string): { execution: Execution; log: string } | undefined {
    const active = this.#active.get(executionId)
    return active && { execution: active.execution, log: active.log.text() }
  }

  /** Tells the function that its run is cancelled. False: it is not active, or was cancelled already. */
  cancel(executionId: string): boolean {
    const active = this.#active.get(executionId)
    if (active === undefined || active.isCancelled) return false
    active.isCancelled = true
    active.caller?.leave()
    active.stop?.abort()
    active.lease?.cancel(executionId, this.#parts.limits.cancelGraceMs)
    return true
  }

  /** Awaits only promises, so a warm call waits for nothing but its end. */
  async perform(execution: Execution, request: RunRequest, queueMs: number, onBegin?: OnBegin): Promise<AttemptResult> {
    const { clock, pool, ends } = this.#parts
    const startedAt = clock.elapsed()
    const log = new LogBuffer(this.#parts.limits.maxLogBytes)
    const { caller } = request
    const active: Active = { execution, log, caller, lease: undefined, stop: undefined, isCancelled: false }
    this.#active.set(execution.id, active)
    ends.tell(execution)
    execution.phases = { queue: queueMs, acquire: 0, load: 0, resume: 0, run: 0, total: 0 }
    let outcome: Outcome
    let hasBegun = false
    let ranIn: Revision | null = null
    const sink = request.sink && new CountedSink(request.sink)
    const attemptsBefore = execution.attempt
    try {
      const target = this.#targetNow(request.target)
      const { fn, revision } = target instanceof Promise ? await target : target
      ranIn = revision
      const session = this.#sessionOf(fn)
      if (revision.kind === 'command') {
        active.stop = new AbortController()
        const signal = request.signal ?? active.stop.signal
        await onBegin?.(execution)
        execution.startKind = 'cold'
        const noteBegin = () => {
          hasBegun = true
        }
        const call = { ...this.#callOf(execution, request, log, undefined, sink), signal, onBegin: noteBegin }
        outcome = await pool.runCommand(revision, call)
      } else {
        const acquired = pool.acquire(revision, caller)
        const got = acquired instanceof Promise ? await acquired : acquired
        if (got.kind === 'lease') active.lease = got
        const acting = session instanceof Promise ? await session : session
        const counted = onBegin?.(execution)
        if (counted !== undefined) await counted
        noteStart(execution, got, clock.elapsed() - startedAt)
        if (active.isCancelled) outcome = cancelledOutcome(0, false)
        else {
          hasBegun = true
          if (got.kind === 'lease') outcome = await got.call(this.#callOf(execution, request, log, acting, sink))
          else {
            log.add(got.log)
            outcome = got.outcome
          }
        }
      }
    } catch (error) {
      outcome = platformOutcome(error)
    }
    active.lease?.release(outcome)
    if ('outputs' in outcome) outcome = await this.#sendOutputs(execution, request.target, outcome, log)
    if (active.isCancelled && !isAnswer(outcome)) outcome = cancelledOutcome(outcome.runMs, hasBegun)
    if (!hasBegun) execution.attempt = attemptsBefore
    const runEndedAt = clock.elapsed()
    execution.phases.run = runEndedAt - startedAt - execution.phases.acquire
    execution.phases.total = queueMs + runEndedAt - startedAt
    if (hasBegun && ranIn !== null) this.#parts.meter?.call(ranIn, request.input, outcome, sink?.bytes ?? 0)
    log.add(failureLogText(outcome))
    execution.log = log.text()
    this.#active.delete(execution.id)
    noteEnd(execution, outcome, clock.now())
    return { outcome, hasBegun, isCancelled: active.isCancelled }
  }

  /** A run whose messages cannot be accepted has failed by the platform's fault. */
  async #sendOutputs(execution: Execution, target: Target, outcome: Outcome, log: LogBuffer): Promise<Outcome> {
    if (!('outputs' in outcome) || outcome.outputs === undefined) return outcome
    try {
      log.add((await this.#parts.queues?.deliver(execution, target, outcome.outputs)) ?? '')
      return outcome
    } catch (error) {
      return { ...platformOutcome(error), runMs: outcome.runMs }
    }
  }

  #callOf(
    execution: Execution,
    request: RunRequest,
    log: LogBuffer,
    session: ActingSession | undefined,
    sink: CountedSink | undefined,
  ): Call {
    const { trigger, input, http, client, signal } = request
    const { events, traces } = this.#parts
    const traceparent = traces === undefined ? request.traceparent : traces.begin(execution, request.traceparent)
    const head = http === undefined || traceparent === undefined ? http : withTraceparent(http, traceparent)
    const onLog: Call['onLog'] = (_stream, text) => {
      log.add(text)
      if (events?.isWatched) events.tell({ kind: 'log', execution, text })
    }
    const attempt = execution.attempt > 1 ? execution.attempt : undefined
    const about = { executionId: execution.id, trigger, traceparent, attempt }
    return { ...about, input, http: head, client, sink, signal, session, onLog }
  }

  /** Code in Swift may have changed. */
  #targetNow(target: Target): Target | Promise<Target> {
    const { swift } = this.#parts
    return target.fn.code.source === 'swift' && swift !== undefined ? swift.current(target) : target
  }

  /** Requested before there is a worker, so that a new token arrives at the same time. */
  #sessionOf({ trustId }: Fn): ActingSession | Promise<ActingSession> | undefined {
    return trustId === null ? undefined : this.#parts.trusts?.acting(trustId)
  }
}

/** Requests that the function sends with its caller's headers belong to its own span. */
const withTraceparent = (http: HttpRequestHead, traceparent: string): HttpRequestHead => ({
  ...http,
  headers: [...http.headers.filter(([name]) => name !== 'traceparent'), ['traceparent', traceparent]],
})

/** The function ended before the cancel signal reached it. */
const isAnswer = ({ kind }: Outcome): boolean => kind === 'returned' || kind === 'streamed'
