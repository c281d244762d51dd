import type { Clock } from '../../domain/clock.ts'
import type { WorkerToken } from '../../domain/platform/api-access.ts'
import type { Call, Revision } from '../../domain/platform/worker.ts'
import { noUsage, type Outcome } from '../../domain/runs/outcome.ts'
import type { BindResult, PoolWorker } from '../pool/pool-worker.ts'
import type { OnOutput, Sandbox } from '../sandbox/sandbox.ts'
import { HttpImageWorker } from './http-image-worker.ts'
import { longestStartLog } from './image-output.ts'
import { LogMarks } from './log-marks.ts'
import { loadFailureOutcome } from './outcomes.ts'
import { initBody, outcomeOfInit, outcomeOfRun, runBody } from './whisk-image-calls.ts'

/** How long the marks of a call may arrive after its response. */
const marksWaitMs = 3000

interface Options {
  clock: Clock
  maxResultBytes: number
  stopGraceMs: number
  quietMs: number
  /** Receives output that belongs to no call. */
  onOther: OnOutput
  token: WorkerToken | undefined
  /** URL of the API, if the function may call it. */
  apiUrl: string | undefined
}

/**
 * An image that follows OpenWhisk's contract of action images: `POST /init` once, `POST /run` for each call, and a mark after
 * each call's output. Output behind a mark belongs to no call until the next one begins.
 */
export class WhiskImageWorker implements PoolWorker {
  readonly gone: Promise<void>
  readonly name: string
  readonly machine: string | undefined
  readonly memoryBytes: number
  startFailure: BindResult | undefined
  #inner: HttpImageWorker
  #revision: Revision
  #options: Options
  #marks: LogMarks
  /** Whether the image prints marks, as far as known. */
  #marksAre: 'unknown' | 'there' | 'missing' = 'unknown'
  #isBusy = false
  /** Missing marks of earlier calls that were not waited for any longer. */
  #owed = { stdout: 0, stderr: 0 }
  /** Streams on which the running call has not printed its mark yet. */
  #open = new Set<'stdout' | 'stderr'>()
  #onMark: (() => void) | undefined

  constructor(sandbox: Sandbox, revision: Revision, options: Options) {
    const { clock, maxResultBytes, stopGraceMs, quietMs, onOther } = options
    const { memoryBytes } = revision
    const limits = { memoryBytes, maxResultBytes, streamIdleMs: 0, stopGraceMs, quietMs }
    const lastLines = { until: () => this.#untilPrinted(), mostMs: marksWaitMs }
    this.#inner = new HttpImageWorker(sandbox, { clock, ...limits, onOther, lastLines })
    this.#revision = revision
    this.#options = options
    this.#marks = new LogMarks(
      (stream, text) => this.#print(stream, text),
      (stream) => this.#takeMark(stream),
    )
    this.name = sandbox.name
    this.machine = sandbox.machine
    this.memoryBytes = memoryBytes
    this.gone = this.#inner.gone
  }

  get isEnding(): boolean {
    return this.#inner.isEnding
  }

  /** The image listens at this address: initialises it. */
  async ready(address: { host: string; port: number }, timeoutMs: number): Promise<void> {
    this.#inner.ready(address)
    let log = ''
    const call = this.#request('/init', 'init', initBody(this.#revision), (_stream, text) => {
      if (log.length < longestStartLog) log += text
    })
    const outcome = await this.#inner.call(call, timeoutMs)
    const failure = outcomeOfInit(outcome, this.#revision.init !== null)
    if (failure !== null) {
      this.startFailure = { loaded: false, loadMs: failure.runMs, outcome: loadFailureOutcome(failure), log }
    } else if (log !== '') this.#options.onOther('stdout', log)
  }

  async notReady(outcome: Outcome): Promise<void> {
    this.#marks.flush()
    await this.#inner.notReady(outcome)
    this.startFailure = this.#inner.startFailure
  }

  /** Takes output that the engine delivers. */
  print(stream: 'stdout' | 'stderr', text: string): void {
    this.#marks.take(stream, text)
  }

  bind(): Promise<BindResult> {
    return this.#inner.bind()
  }

  async call(call: Call, timeoutMs: number): Promise<Outcome> {
    const { token, apiUrl, clock } = this.#options
    const body = runBody(call, this.#revision, { deadlineMs: clock.now() + timeoutMs, token, apiUrl })
    if (body === null) return notObject()
    this.#open = new Set(['stdout', 'stderr'])
    this.#isBusy = true
    const outcome = await this.#inner.call(this.#request('/run', call.executionId, body, call.onLog), timeoutMs)
    this.#isBusy = false
    for (const stream of this.#marksAre === 'there' ? this.#open : []) this.#owed[stream]++
    return outcomeOfRun(outcome)
  }

  /** The contract has no cancel message, so the worker ends: otherwise the action would still run when the next call comes. */
  cancel(executionId: string): void {
    this.#inner.cancel(executionId)
    void this.kill()
  }

  cpuMs(): Promise<number | null> {
    return this.#inner.cpuMs?.() ?? Promise.resolve(null)
  }

  memoryUsedBytes(): Promise<number | null> {
    return this.#inner.memoryUsedBytes?.() ?? Promise.resolve(null)
  }

  pause(): Promise<void> {
    return this.#inner.pause()
  }

  resume(): Promise<void> {
    return this.#inner.resume()
  }

  kill(): Promise<void> {
    return this.#inner.kill()
  }

  #request(target: string, executionId: string, body: Buffer, onLog: Call['onLog']): Call {
    const headers: [string, string][] = [['content-type', 'application/json']]
    const http = { method: 'POST', target, prefix: '', url: `http://localhost${target}`, headers }
    return { executionId, trigger: 'api', input: { kind: 'json', body }, http, onLog }
  }

  get #takesOneCall(): boolean {
    return this.#revision.concurrency === 1
  }

  /** Text behind the mark of its stream belongs to no call, and so does late output of an earlier call. */
  #print(stream: 'stdout' | 'stderr', text: string): void {
    const isOfNone = this.#isBusy && this.#takesOneCall && (!this.#open.has(stream) || this.#owed[stream] > 0)
    if (isOfNone) this.#options.onOther(stream, text)
    else this.#inner.print(stream, text)
  }

  #takeMark(stream: 'stdout' | 'stderr'): void {
    this.#marksAre = 'there'
    if (this.#owed[stream] > 0) this.#owed[stream]--
    else this.#open.delete(stream)
    if (this.#open.size === 0) this.#onMark?.()
  }

  /** Null: the image prints no marks, or several calls or none run; then a pause in the output is what counts. */
  #untilPrinted(): Promise<void> | null {
    if (!this.#takesOneCall || !this.#isBusy || this.#marksAre === 'missing') return null
    if (this.#open.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (are: 'there' | 'missing') => {
        this.#onMark = undefined
        if (this.#marksAre === 'unknown') this.#marksAre = are
        stopTimer()
        resolve()
      }
      const stopTimer = this.#options.clock.after(marksWaitMs, () => done('missing'))
      this.#onMark = () => done('there')
    })
  }
}

function notObject(): Outcome {
  const message = 'an action takes a JSON object as its parameters, and this call has none'
  return { kind: 'raised', error: { type: 'NotAnObject', message, stack: null }, runMs: 0, ...noUsage }
}
