import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { WorkerToken } from '../../domain/platform/api-access.ts'
import type { Call } from '../../domain/platform/worker.ts'
import { hashOfId, InFlight } from '../../domain/runs/in-flight.ts'
import { cancelledOutcome, type Outcome, platformFailure } from '../../domain/runs/outcome.ts'
import type { BindResult, PoolWorker } from '../pool/pool-worker.ts'
import type { Exit, OnOutput, OutputMarker, Sandbox } from '../sandbox/sandbox.ts'
import { ImageExchange } from './image-exchange.ts'
import { isFailedAnswer, pathNotFound, requestFailed } from './image-outcomes.ts'
import { ImageOutput, type LastLines, lastLinesMs } from './image-output.ts'
import { killed, timedOut } from './outcomes.ts'

/** How long the engine may take to report the end of an image whose connection has closed. */
const exitReportMs = 3000

/** A warm image that listens on a port: calls are HTTP requests over kept-alive connections. */
export class HttpImageWorker implements PoolWorker {
  readonly name: string
  readonly machine: string | undefined
  readonly gone: Promise<void>
  readonly memoryBytes: number
  #sandbox: Sandbox
  #clock: Clock
  #exchange: ImageExchange
  #output: ImageOutput
  startFailure: BindResult | undefined
  /** How to cancel a call, by its execution. */
  #cancels = new InFlight<string, () => void>(hashOfId)
  /** Why it takes no more calls; `no`: it does take calls. */
  #ended: 'no' | 'deadline' | 'asked' | 'exited' = 'no'
  #streamIdleMs: number
  #stopGraceMs: number
  #isClosed: (target: string) => boolean = () => false

  /** `onOther` receives what it prints while no call runs, also during the start. */
  constructor(
    sandbox: Sandbox,
    options: {
      clock: Clock
      memoryBytes: number
      maxResultBytes: number
      streamIdleMs: number
      stopGraceMs: number
      quietMs: number
      onOther: OnOutput
      /** Set for images that mark the end of a call's output themselves. */
      lastLines?: LastLines
      /** Token with which it calls the API, if it may. */
      token?: WorkerToken | undefined
    },
  ) {
    this.name = sandbox.name
    this.machine = sandbox.machine
    this.#sandbox = sandbox
    this.#clock = options.clock
    this.memoryBytes = options.memoryBytes
    this.#exchange = new ImageExchange(options)
    this.#streamIdleMs = options.streamIdleMs
    this.#output = new ImageOutput(options)
    this.#stopGraceMs = options.stopGraceMs
    this.gone = sandbox.exited.then(() => {
      this.#endFor('exited')
      this.#output.end()
      this.#exchange.close()
    })
  }

  get isEnding(): boolean {
    return this.#ended !== 'no'
  }

  /** The image listens at this address from now on. */
  ready(address: { host: string; port: number }): void {
    this.#exchange.ready(address)
    this.#output.ready()
  }

  /** Enables marks in its output. */
  markWith(marker: OutputMarker): void {
    this.#output.markWith(marker)
  }

  /** From now on the image gets no requests for these targets: they are answered with 404. */
  closeTo(isClosed: (target: string) => boolean): void {
    this.#isClosed = isClosed
  }

  /** The image cannot serve, by the function's fault; its output is the log. */
  async notReady(outcome: Outcome): Promise<void> {
    if (this.isEnding) await this.#sandbox.printed
    const log = this.#output.startLog
    this.startFailure = { loaded: false, loadMs: outcome.runMs, outcome: this.#output.explainStart(outcome), log }
  }

  /** The image listens, and has not become the function. */
  refuse(outcome: Outcome, log: string): void {
    this.startFailure = { loaded: false, loadMs: outcome.runMs, outcome, log: this.#output.startLog + log }
  }

  /** Takes output that the engine delivers. */
  print(stream: 'stdout' | 'stderr', text: string): void {
    this.#output.print(stream, text)
  }

  async bind(): Promise<BindResult> {
    throw new FaasError('internal', 'An image is bound from the start.')
  }

  async call(call: Call, timeoutMs: number): Promise<Outcome> {
    if (call.http !== undefined && this.#isClosed(call.http.target)) return pathNotFound()
    const startedAt = this.#clock.elapsed()
    const elapsed = () => this.#clock.elapsed() - startedAt
    const deadline = new AbortController()
    let deadlineMs = timeoutMs
    let stopTimer = () => {}
    const arm = (ms: number) => {
      stopTimer = this.#clock.after(ms, () => {
        if (deadlineMs > elapsed()) return arm(deadlineMs - elapsed())
        this.#endFor('deadline')
        deadline.abort()
      })
    }
    const onFlow = () => {
      deadlineMs = Math.max(deadlineMs, elapsed() + this.#streamIdleMs)
    }
    const root = this.#output.open(call)
    arm(timeoutMs)
    let isCancelled = false
    this.#cancels.set(call.executionId, () => {
      isCancelled = true
      deadline.abort()
    })
    try {
      const outcome = await this.#exchange.send(call, deadline.signal, elapsed, onFlow)
      deadlineMs += lastLinesMs + this.#output.lastLinesWithinMs
      await this.#output.lastLines(isFailedAnswer(outcome))
      return root.explain(outcome)
    } catch {
      if (isCancelled) return cancelledOutcome(elapsed(), true)
      if (deadline.signal.aborted) return root.explain(timedOut(timeoutMs, elapsed()))
      if (call.signal?.aborted) return requestFailed('the caller went away before the answer was complete', elapsed())
      return root.explain(await this.#howItEnded(elapsed()))
    } finally {
      stopTimer()
      this.#output.close(call)
      this.#cancels.delete(call.executionId)
      if (this.#ended === 'deadline' && this.#output.calls === 0) void this.#sandbox.kill()
    }
  }

  /**
   * Closes the call's connection, the only signal that a web server understands. The worker stays: the program may continue with
   * other work.
   */
  cancel(executionId: string): void {
    this.#cancels.get(executionId)?.()
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

  async kill(): Promise<void> {
    const mayEndItself = this.#output.calls === 0 && this.#output.isReady && !this.isEnding && this.#stopGraceMs > 0
    this.#endFor('asked')
    if (mayEndItself) await this.#sandbox.stop(this.#stopGraceMs)
    await this.#sandbox.kill()
    await this.gone
  }

  #endFor(why: 'deadline' | 'asked' | 'exited'): void {
    if (this.#ended === 'no') this.#ended = why
  }

  async #howItEnded(runMs: number): Promise<Outcome> {
    if (this.#ended === 'asked') return platformFailure('The worker was stopped while it ran the function.', runMs)
    const exit = await this.#exit()
    if (exit === null) await this.#output.lastLines()
    else await (this.#sandbox.printed ?? this.#output.lastLines())
    if (exit !== null) return killed(exit, this.memoryBytes, runMs)
    return requestFailed('the image closed the connection without an answer', runMs)
  }

  /** The image's exit; null when it still runs. */
  #exit(): Promise<Exit | null> {
    return new Promise((resolve) => {
      const stopTimer = this.#clock.after(exitReportMs, () => resolve(null))
      void this.#sandbox.exited.then((exit) => {
        stopTimer()
        resolve(exit)
      })
    })
  }
}
