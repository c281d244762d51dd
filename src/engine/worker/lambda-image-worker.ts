import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { Call, Revision } from '../../domain/platform/worker.ts'
import { noUsage, type Outcome, platformFailure } from '../../domain/runs/outcome.ts'
import type { BindResult, PoolWorker } from '../pool/pool-worker.ts'
import type { Exit, OnOutput, Sandbox } from '../sandbox/sandbox.ts'
import { ImageOutput } from './image-output.ts'
import { memoryOfLambda } from './lambda-image.ts'
import { killed } from './outcomes.ts'

/** A program's last output may still be on its way when the engine reports its end. */
const lastWordMs = 500

interface Options {
  clock: Clock
  stopGraceMs: number
  quietMs: number
  /** Receives output that belongs to no call. */
  onOther: OnOutput
}

/**
 * A worker for images whose program gets its events from the AWS Lambda Runtime API. A helper worker of ours serves this API in
 * the same network namespace: calls go through the helper, output comes from the image. Each ends with the other.
 */
export class LambdaImageWorker implements PoolWorker {
  readonly name: string
  readonly machine: string | undefined
  readonly memoryBytes: number
  readonly gone: Promise<void>
  startFailure: BindResult | undefined
  #image: Sandbox
  #helper: PoolWorker
  #revision: Revision
  #clock: Clock
  #stopGraceMs: number
  #output: ImageOutput
  #ended: 'no' | 'asked' | 'exited' = 'no'
  /** The start, or the running call. */
  #work: Promise<unknown> = Promise.resolve()

  constructor(image: Sandbox, helper: PoolWorker, revision: Revision, options: Options) {
    this.name = image.name
    this.machine = image.machine
    this.memoryBytes = revision.memoryBytes
    this.#image = image
    this.#helper = helper
    this.#revision = revision
    this.#clock = options.clock
    this.#stopGraceMs = options.stopGraceMs
    this.#output = new ImageOutput(options)
    void image.exited.then(() => {
      this.#output.end()
      if (this.#ended === 'no') this.#ended = 'exited'
    })
    this.gone = this.#whenBothAreGone()
  }

  get isEnding(): boolean {
    return this.#ended !== 'no' || this.#helper.isEnding
  }

  /** Waits until the program requests its first event. `bound`: the helper's result. */
  begin(bound: Promise<BindResult>): Promise<void> {
    const begun = this.#begin(bound)
    this.#work = begun
    return begun
  }

  async #begin(bound: Promise<BindResult>): Promise<void> {
    const startedAt = this.#clock.elapsed()
    const first = await this.#unlessItEnds(bound)
    if (first === null) return this.#neverAsked(this.#clock.elapsed() - startedAt)
    if (first.loaded) return this.#ready()
    await Promise.race([this.#image.printed ?? this.#output.lastLines(), this.#pause(lastWordMs)])
    const outcome = this.#output.explainStart(withoutUsage(first.outcome))
    this.startFailure = { ...first, outcome, log: this.#output.startLog }
  }

  async #ready(): Promise<void> {
    this.#output.ready()
    const marker = await this.#image.outputMarker?.()
    if (marker) this.#output.markWith(marker)
  }

  print(stream: 'stdout' | 'stderr', text: string): void {
    this.#output.print(stream, text)
  }

  async bind(): Promise<BindResult> {
    throw new FaasError('internal', 'An image is bound from the start.')
  }

  call(call: Call, timeoutMs: number): Promise<Outcome> {
    const outcome = this.#call(call, timeoutMs)
    this.#work = outcome
    return outcome
  }

  async #call(call: Call, timeoutMs: number): Promise<Outcome> {
    const startedAt = this.#clock.elapsed()
    const root = this.#output.open(call)
    try {
      const outcome = await this.#unlessItEnds(this.#helper.call(call, timeoutMs))
      if (outcome === null) return root.explain(await this.#howItEnded(this.#clock.elapsed() - startedAt))
      await this.#output.lastLines('error' in outcome)
      return root.explain(withoutUsage(outcome))
    } finally {
      this.#output.close(call)
    }
  }

  /** The Runtime API has no cancel message: a call that does not end in time ends with the worker. */
  cancel(executionId: string, graceMs: number): void {
    this.#helper.cancel(executionId, graceMs)
  }

  cpuMs(): Promise<number | null> {
    return this.#image.cpuMs?.() ?? Promise.resolve(null)
  }

  memoryUsedBytes(): Promise<number | null> {
    return this.#image.memoryUsedBytes?.() ?? Promise.resolve(null)
  }

  async pause(): Promise<void> {
    await Promise.all([this.#image.pause(), this.#helper.pause()])
  }

  async resume(): Promise<void> {
    await Promise.all([this.#helper.resume(), this.#image.resume()])
  }

  async kill(): Promise<void> {
    const mayEndItself = this.#output.calls === 0 && this.#output.isReady && !this.isEnding && this.#stopGraceMs > 0
    if (this.#ended === 'no') this.#ended = 'asked'
    if (mayEndItself) await this.#image.stop(this.#stopGraceMs)
    await Promise.all([this.#image.kill(), this.#helper.kill()])
    await this.gone
  }

  /** Null: the program ended first. */
  async #unlessItEnds<Said>(said: Promise<Said>): Promise<Said | null> {
    const end = this.#image.exited.then(() => null)
    return (await Promise.race([said, end])) ?? Promise.race([said, this.#pause(lastWordMs)])
  }

  async #howItEnded(runMs: number): Promise<Outcome> {
    if (this.#ended === 'asked') return platformFailure('The worker was stopped while it ran the function.', runMs)
    const exit = await this.#image.exited
    await (this.#image.printed ?? this.#output.lastLines())
    return killed(exit, memoryOfLambda(this.#revision), runMs)
  }

  async #neverAsked(runMs: number): Promise<void> {
    const exit = await this.#image.exited
    await (this.#image.printed ?? this.#output.lastLines())
    const outcome =
      exit.memoryExceeded || exit.fromOutside
        ? killed(exit, memoryOfLambda(this.#revision), runMs)
        : endedEarly(this.#revision, exit, runMs)
    const log = this.#output.startLog
    this.startFailure = { loaded: false, loadMs: runMs, outcome: this.#output.explainStart(outcome), log }
  }

  async #whenBothAreGone(): Promise<void> {
    await Promise.race([this.#image.exited, this.#helper.gone])
    // Its own end has priority as the reason of a failure.
    await this.#work.catch(() => {})
    await Promise.all([this.#image.kill(), this.#helper.kill()])
  }

  #pause(ms: number): Promise<null> {
    return new Promise((resolve) => void this.#clock.after(ms, () => resolve(null)))
  }
}

/** The helper's resource usage is not the function's. */
function withoutUsage(outcome: Outcome): Outcome {
  const told = { ...outcome, ...noUsage }
  delete told.stalledMs
  return told
}

function endedEarly({ image }: Revision, { code }: Exit, runMs: number): Outcome {
  const how = code === null ? '' : ` with code ${code}`
  const message = `the program of the image ${image} ended${how} before it asked for an event: it must speak the Runtime API of AWS Lambda`
  const error = { type: 'Runtime.ExitError', message, stack: null, during: 'load' as const }
  return { kind: 'raised', error, runMs, ...noUsage }
}
