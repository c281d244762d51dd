import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { AppFunction } from '../../domain/functions/app-function.ts'
import type { WorkerToken, WorkerTokens } from '../../domain/platform/api-access.ts'
import type { ActingSession } from '../../domain/platform/openstack.ts'
import type { SecretReader } from '../../domain/platform/secret.ts'
import { type Call, type Revision, type StreamSink, takesRequest } from '../../domain/platform/worker.ts'
import type { Log } from '../../domain/runs/log.ts'
import { cancelledOutcome, type Outcome, platformFailure } from '../../domain/runs/outcome.ts'
import type { BindResult, PoolWorker } from '../pool/pool-worker.ts'
import type { Exit, Sandbox, SandboxLimits } from '../sandbox/sandbox.ts'
import { BufferedStream } from './buffered-stream.ts'
import type { Channel, Ending, PendingCall } from './channel.ts'
import { Deadlines } from './deadlines.ts'
import { bindMeta, callMeta, type DeliveredSecrets, functionsIn, isLast, sessionMeta } from './frame-meta.ts'
import type { WorkerLink } from './link.ts'
import {
  killed,
  linkLost,
  loadFailureOutcome,
  notLoadedInTime,
  outcomeOf,
  protocolViolation,
  resultTooLarge,
  timedOut,
} from './outcomes.ts'
import { PassThroughSink } from './pass-through-sink.ts'
import { type Frame, FrameType, ProtocolError, shimExitCodes, streamWindowBytes } from './protocol.ts'
import { RunningCall } from './running-call.ts'

/** How long the engine may take to report the end of a worker whose connection has closed. */
const exitReportMs = 10_000
/** Limit of characters kept from the output of loading. */
const longestLoadLog = 1024 * 1024

export interface WorkerParts {
  clock: Clock
  log: Log
  secrets: SecretReader
  /** Folder of a package's code on the host. */
  codeFolder(packageHash: string): string
  loadTimeoutMs: number
  /** How long an idle worker that is being removed may take to end by itself. */
  stopGraceMs: number
  maxResultBytes: number
  /** Tokens for functions that may call the API. */
  workerTokens?: WorkerTokens
  /** Longest pause of a streamed response that has outlived its function's timeout. */
  streamIdleMs: number
}

/** Code folder of an image's helper, which has no code. */
const folderOfNone = '/'

/**
 * A sandbox that speaks the worker protocol. It starts generic and is bound once, for life. A worker that misses a deadline or
 * closes its connection ends and is not reused.
 */
export class ShimWorker implements PoolWorker {
  readonly name: string
  readonly machine: string | undefined
  readonly gone: Promise<void>
  #parts: WorkerParts
  #sandbox: Sandbox
  #link: WorkerLink
  #channel: Channel
  #limits: SandboxLimits
  /** Why we ended it; `no`: we did not. */
  #ended: 'no' | 'deadline' | 'asked' | 'last' = 'no'
  /** Whether its function may stream responses. */
  #mayStream = false
  #isBound = false
  /** Owner of the worker, for the log. */
  #owner: { worker: string; function?: string; project?: string }
  #inFlight = 0
  /** The OpenStack session that the function has. */
  #session: ActingSession | undefined
  #afterLast: (() => void) | null = null
  #deadlines: Deadlines<RunningCall>
  /** URL of the API for its function; undefined: none. */
  #apiUrl: string | undefined
  #token: WorkerToken | undefined

  constructor(
    parts: WorkerParts,
    sandbox: Sandbox,
    link: WorkerLink,
    channel: Channel,
    limits: SandboxLimits,
    apiUrl?: string,
  ) {
    this.#apiUrl = apiUrl
    this.name = sandbox.name
    this.machine = sandbox.machine
    this.#owner = { worker: sandbox.name }
    this.#parts = parts
    this.#sandbox = sandbox
    this.#link = link
    this.#channel = channel
    this.#limits = limits
    this.#deadlines = new Deadlines(parts.clock, (running) => this.#missedDeadline(running))
    this.gone = this.#cleanUpWhenGone()
  }

  get memoryBytes(): number {
    return this.#limits.memoryBytes
  }

  async bind(revision: Revision): Promise<BindResult> {
    this.#mayStream = takesRequest(revision)
    this.#owner = { worker: this.name, function: revision.functionId, project: revision.projectId }
    const startedAt = this.#parts.clock.elapsed()
    const limited = this.#setLimits(revision)
    if (this.#link.codeIsMemory) await limited
    const [code] = await Promise.all([this.#deliverCode(revision), limited])
    // None of the function's code has run yet, so an end here is not the function's fault.
    if (this.isEnding) throw new FaasError('engine_failed', `Worker ${this.name} ended before it was bound.`)
    let log = ''
    const answer = this.#channel.workerFrame((text) => {
      if (log.length < longestLoadLog) log += text
    })
    const given = [this.#secretsOf(revision), this.#apiOf(revision)] as const
    this.#channel.bind(bindMeta(revision, code, this.#parts.maxResultBytes, ...given))
    const frame = await this.#withDeadline(answer, this.#parts.loadTimeoutMs)
    const loadMs = this.#parts.clock.elapsed() - startedAt
    if (frame !== null && frame.type === FrameType.bound) return this.#noteBound(loadMs, functionsIn(frame))
    return { loaded: false, loadMs, outcome: await this.#loadFailed(frame, loadMs), log }
  }

  /** Decrypted at the last moment, and not kept. */
  #secretsOf({ projectId, secrets }: Revision): DeliveredSecrets | null {
    if (secrets.length === 0) return null
    return {
      ...this.#parts.secrets.bound(projectId, secrets),
      folder: this.#link.secretsFolder,
    }
  }

  #noteBound(loadMs: number, functions: AppFunction[] | undefined): BindResult {
    this.#isBound = true
    return functions === undefined ? { loaded: true, loadMs } : { loaded: true, loadMs, functions }
  }

  call(call: Call, timeoutMs: number): Promise<Outcome> {
    this.#inFlight++
    return new Promise((resolve) => {
      const { clock, streamIdleMs } = this.#parts
      const onFlow = () => running.extendTo(clock.elapsed() + streamIdleMs)
      const sink = call.sink === undefined ? this.#collector() : new PassThroughSink(call.sink, onFlow)
      const running = new RunningCall(call, timeoutMs, clock.elapsed(), sink, this.#onEnd, resolve)
      try {
        running.number = this.#send(call, this.#parts.clock.now() + timeoutMs, running)
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        return this.#settle(running, platformFailure('The input is longer than what a worker can receive.', 0))
      }
      if (!running.isOver) this.#deadlines.add(running)
    })
  }

  cancel(executionId: string, graceMs: number): void {
    const running = this.#deadlines.find((one) => one.executionId === executionId)
    if (running === undefined || running.isOver) return
    running.isCancelled = true
    this.#channel.cancel(running.number)
    running.deadlineAt = Math.min(running.deadlineAt, this.#parts.clock.elapsed() + graceMs)
    this.#deadlines.add(running)
  }

  cpuMs(): Promise<number | null> {
    return this.#sandbox.cpuMs?.() ?? Promise.resolve(null)
  }

  memoryUsedBytes(): Promise<number | null> {
    return this.#sandbox.memoryUsedBytes?.() ?? Promise.resolve(null)
  }

  pause(): Promise<void> {
    return this.#sandbox.pause()
  }

  resume(): Promise<void> {
    return this.#sandbox.resume()
  }

  /**
   * An idle worker is asked to stop first, so that its function can clean up. Otherwise its calls end at once and its shim with
   * the connection, even when the engine is slow or away.
   */
  async kill(): Promise<void> {
    const mayEndItself = this.#isBound && this.#inFlight === 0 && !this.isEnding && this.#parts.stopGraceMs > 0
    if (this.#ended === 'no') this.#ended = 'asked'
    if (mayEndItself) await this.#sandbox.stop(this.#parts.stopGraceMs)
    this.#channel.close()
    await this.#sandbox.kill()
    await this.gone
  }

  #onEnd = (running: RunningCall, frame: Ending, streamedStatus: number | undefined): void => {
    if (running.isOver) return
    const runMs = this.#parts.clock.elapsed() - running.startedAt
    if (frame !== null) return this.#settle(running, this.#outcome(frame, runMs, streamedStatus, running.sink))
    this.#deadlines.delete(running)
    running.isOver = true
    void this.#howItEnded(runMs).then((outcome) => this.#settle(running, outcome))
  }

  #settle(running: RunningCall, outcome: Outcome): void {
    running.isOver = true
    this.#deadlines.delete(running)
    this.#callEnded()
    running.resolve(outcome)
  }

  #missedDeadline(running: RunningCall): void {
    this.#channel.forget(running.number)
    this.#endForDeadline()
    const runMs = this.#parts.clock.elapsed() - running.startedAt
    this.#settle(running, running.isCancelled ? cancelledOutcome(runMs, true) : timedOut(running.timeoutMs, runMs))
  }

  #send(call: Call, deadlineMs: number, pending: PendingCall): number {
    const { signal, session } = call
    if (session !== this.#session) this.#bringSession(session)
    const number = this.#channel.call(callMeta(call, deadlineMs), call.input.body, pending)
    if (signal?.aborted) this.#channel.cancel(number)
    signal?.addEventListener('abort', () => this.#channel.cancel(number), { once: true })
    return number
  }

  /** Collects streams that nobody reads, for functions that may stream. */
  #collector(): BufferedStream | undefined {
    return this.#mayStream ? new BufferedStream(this.#parts.maxResultBytes) : undefined
  }

  #outcome(frame: Frame, runMs: number, status: number | undefined, sink: StreamSink | undefined): Outcome {
    if (this.#ended === 'no' && isLast(frame)) this.#ended = 'last'
    if (this.#isTooLarge(frame)) return resultTooLarge(this.#parts.maxResultBytes, runMs)
    const outcome = outcomeOf(frame, runMs, status)
    if (outcome.kind !== 'streamed' || !(sink instanceof BufferedStream)) return outcome
    if (sink.tooLarge) return resultTooLarge(this.#parts.maxResultBytes, runMs)
    const { kind: _, status: _status, ...used } = outcome
    return { ...used, kind: 'returned', value: sink.value() }
  }

  /**
   * The shim checks the limit first; this check also covers a function that bypasses it. A short response of a web function may
   * be sent whole.
   */
  #isTooLarge({ type, body, meta }: Frame): boolean {
    if (type !== FrameType.result || body.length <= this.#parts.maxResultBytes) return false
    return body.length > streamWindowBytes || !meta.includes('"http"')
  }

  /** Sent only when it has changed: it contains the whole service catalogue. */
  #bringSession(session: ActingSession | undefined): void {
    this.#session = session
    this.#channel.session(sessionMeta(session))
  }

  /** The outcome of a call whose worker has ended. */
  async #howItEnded(runMs: number): Promise<Outcome> {
    if (this.#ended === 'asked') return platformFailure('The worker was stopped while it ran the function.', runMs)
    if (this.#channel.brokenBy !== null) return protocolViolation(this.#channel.brokenBy, runMs)
    const exit = await this.#exit()
    if (this.#ended === 'deadline') return killed({ code: null, memoryExceeded: false }, this.memoryBytes, runMs)
    if (exit.code === shimExitCodes.linkLost) return linkLost(runMs)
    return killed(exit, this.memoryBytes, runMs)
  }

  /** The sandbox's exit; a sandbox that still runs without its connection is ended now. */
  #exit(): Promise<Exit> {
    return new Promise((resolve) => {
      const isUnknown = () => resolve({ code: null, memoryExceeded: false, fromOutside: this.#sandbox.isLost ?? false })
      const stopTimer = this.#parts.clock.after(exitReportMs, isUnknown)
      void this.#sandbox.exited.then((exit) => {
        stopTimer()
        resolve(exit)
      })
    })
  }

  /** Other calls of this worker may finish; the pool assigns no new ones, because `isEnding` is true. */
  #endForDeadline(): void {
    if (this.#ended !== 'no') return
    this.#ended = 'deadline'
    if (this.#inFlight <= 1) void this.#sandbox.kill()
    else this.#afterLast = () => void this.#sandbox.kill()
  }

  #callEnded(): void {
    this.#inFlight--
    if (this.#inFlight === 0) this.#afterLast?.()
  }

  /** True from the moment when no new call may be assigned. */
  get isEnding(): boolean {
    return this.#ended !== 'no' || this.#channel.isClosed
  }

  async #deliverCode(revision: Revision): Promise<string> {
    if (revision.kind === 'lambda') return folderOfNone
    if (revision.packageHash === null) throw new FaasError('internal', 'A function without a package cannot be bound.')
    const stored = this.#parts.codeFolder(revision.packageHash)
    return this.#link.deliverCode(stored, this.#channel).catch((cause: unknown) => {
      throw new FaasError('engine_failed', 'The code of the function could not be sent to its worker.', { cause })
    })
  }

  /** A request to the engine takes 16 ms, so it is made only for limits that differ from those of the start. */
  async #setLimits(revision: Revision): Promise<void> {
    const { memoryBytes, cpuMillicpu, cpuMaxMillicpu } = revision
    const [now, wanted] = [this.#limits, { memoryBytes, cpuMillicpu, cpuMaxMillicpu }]
    if (isDeepStrictEqual(now, wanted)) return
    await this.#sandbox.limit(wanted)
    this.#limits = wanted
  }

  /** URL and token with which its function calls the API. */
  #apiOf(revision: Revision): { url: string; token: string } | undefined {
    if (this.#apiUrl === undefined) return undefined
    this.#token = this.#parts.workerTokens?.give(revision)
    return this.#token && { url: this.#apiUrl, token: this.#token.token }
  }

  async #withDeadline(answer: Promise<Ending>, ms: number): Promise<Ending> {
    const stop = this.#parts.clock.after(ms, () => this.#endForDeadline())
    const frame = await answer
    stop()
    return frame
  }

  async #loadFailed(frame: Frame | null, loadMs: number): Promise<Outcome> {
    const missed = this.#ended === 'deadline'
    const outcome = frame === null ? await this.#howItEnded(loadMs) : null
    void this.kill()
    if (missed) return notLoadedInTime(this.#parts.loadTimeoutMs, loadMs)
    return loadFailureOutcome(outcome ?? outcomeOf({ ...(frame as Frame), type: FrameType.failed }, loadMs, undefined))
  }

  /** The sandbox and the connection end together. */
  async #cleanUpWhenGone(): Promise<void> {
    await Promise.race([this.#sandbox.exited, this.#channel.closed])
    this.#channel.close()
    this.#token?.end()
    const { brokenBy } = this.#channel
    if (brokenBy !== null)
      this.#parts.log.warn({ ...this.#owner, problem: brokenBy }, 'a worker broke the protocol: it is killed')
    else await Promise.race([this.#sandbox.exited, this.#exit()])
    this.#deadlines.close()
    await this.#sandbox.kill()
    await this.#link.remove().catch((error: unknown) => {
      this.#parts.log.warn(
        { ...this.#owner, err: error },
        'what a worker left cannot be removed: the next start removes it',
      )
    })
  }
}
