import type { Clock } from '../../domain/clock.ts'
import type { Call } from '../../domain/platform/worker.ts'
import type { Outcome } from '../../domain/runs/outcome.ts'
import type { OnOutput, OutputMarker } from '../sandbox/sandbox.ts'
import { PrintedMarks } from './printed-marks.ts'
import { ReadOnlyRoot } from './read-only-root.ts'

/**
 * A call's output may arrive after its response. Where the output can be marked, the worker waits for the mark; else it waits
 * until the image has printed nothing for this time.
 */
export const defaultQuietMs = 10
/** Upper limit of that wait. */
export const lastLinesMs = 100
/** Longest wait for a mark. */
const markWaitMs = 1000
/**
 * After this number of consecutive calls without output, an image without marks is not waited for until it prints again or fails.
 */
const mostSilentCalls = 10
/** Limit of characters kept from the start. */
export const longestStartLog = 64 * 1024

/** Knows when a call's output is complete. */
export interface LastLines {
  /** Null: unknown for this call. */
  until(): Promise<void> | null
  /** Longest duration of that wait. */
  mostMs: number
}

/** A running call. */
interface Open {
  /** Detects messages about the read-only root in its output. */
  root: ReadOnlyRoot
  /** Streams whose output currently belongs to the call. */
  streams: Set<'stdout' | 'stderr'>
}

interface Options {
  clock: Clock
  quietMs: number
  /** Receives what it prints while no call runs, also during the start. */
  onOther: OnOutput
  /** Set for images that mark the end of a call's output themselves. */
  lastLines?: LastLines | undefined
}

/** The output of an image, which arrives through the engine, separately from responses and without naming a call. */
export class ImageOutput {
  /** Output before it was ready. */
  startLog = ''
  #isReady = false
  #clock: Clock
  #quietMs: number
  #onOther: OnOutput
  #printed: LastLines | undefined
  #calls = new Map<Call, Open>()
  #marks = new PrintedMarks((stream, text) => this.#took(stream, text))
  #root = new ReadOnlyRoot()
  /** Consecutive calls without output. */
  #silentCalls = 0
  #printedAt = 0
  #ended = Promise.withResolvers<void>()

  constructor(options: Options) {
    this.#clock = options.clock
    this.#quietMs = options.quietMs
    this.#onOther = options.onOther
    this.#printed = options.lastLines
  }

  /** From now on, output no longer belongs to the start. */
  ready(): void {
    this.#isReady = true
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Number of running calls. */
  get calls(): number {
    return this.#calls.size
  }

  /** Enables marks in the output. */
  markWith(marker: OutputMarker): void {
    this.#marks.use(marker)
  }

  /** Takes output that the engine delivers. */
  print(stream: 'stdout' | 'stderr', text: string): void {
    this.#marks.take(stream, text)
  }

  /** The image has ended: no mark comes back any more. */
  end(): void {
    this.#marks.flush()
    this.#ended.resolve()
  }

  /** Begins a call. Earlier output may still be on its way and does not belong to this call. */
  open(call: Call): ReadOnlyRoot {
    const open: Open = { root: new ReadOnlyRoot(), streams: new Set() }
    this.#calls.set(call, open)
    if (!this.#marks.put((stream) => open.streams.add(stream))) open.streams.add('stdout').add('stderr')
    return open.root
  }

  close(call: Call): void {
    this.#calls.delete(call)
  }

  /** The outcome of the start, with advice when it failed to write to the read-only root. */
  explainStart(outcome: Outcome): Outcome {
    return this.#root.explain(outcome)
  }

  /** Resolves when the call's output has arrived, as far as that can be known. */
  async lastLines(hasFailed = true): Promise<void> {
    const told = this.#printed === undefined ? this.#markBack() : this.#printed.until()
    if (told !== null) return told
    const quietMs = this.#quietMs
    if (this.#silentCalls >= mostSilentCalls && !hasFailed) return
    this.#silentCalls++
    const from = this.#clock.elapsed()
    let now = from
    while (now - from < lastLinesMs && now - Math.max(from, this.#printedAt) < quietMs) {
      await new Promise<void>((resolve) => this.#clock.after(quietMs / 2, resolve))
      now = this.#clock.elapsed()
    }
  }

  /** Longest duration of `lastLines`. */
  get lastLinesWithinMs(): number {
    return lastLinesMs + (this.#printed?.mostMs ?? markWaitMs)
  }

  /** Attributes output to the running call, to each of several running calls, or else to the worker. */
  #took(stream: 'stdout' | 'stderr', text: string): void {
    this.#printedAt = this.#clock.elapsed()
    this.#silentCalls = 0
    const open = [...this.#calls].filter(([, { streams }]) => streams.has(stream))
    for (const [call, { root }] of open) call.onLog(stream, text + root.lineAfter(text))
    if (open.length > 0) return
    const printed = text + this.#root.lineAfter(text)
    if (!this.#isReady && this.startLog.length < longestStartLog) this.startLog += printed
    this.#onOther(stream, printed)
  }

  /** Null: no mark can be written. */
  #markBack(): Promise<void> | null {
    const missing = new Set<string>(['stdout', 'stderr'])
    const back = Promise.withResolvers<void>()
    const isPut = this.#marks.put((stream) => {
      missing.delete(stream)
      if (missing.size === 0) back.resolve()
    })
    if (!isPut) return null
    const stopTimer = this.#clock.after(markWaitMs, () => {
      this.#marks.doubt()
      back.resolve()
    })
    return Promise.race([back.promise, this.#ended.promise]).finally(stopTimer)
  }
}

/** Buffers what an image prints before a listener exists. */
export class EarlyOutput {
  #kept: Parameters<OnOutput>[] = []
  #worker: { print: OnOutput } | undefined

  take: OnOutput = (stream, text) => {
    if (this.#worker === undefined) this.#kept.push([stream, text])
    else this.#worker.print(stream, text)
  }

  passTo(worker: { print: OnOutput }): void {
    this.#worker = worker
    for (const said of this.#kept.splice(0)) worker.print(...said)
  }
}
