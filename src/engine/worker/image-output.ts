import type { Clock } from '../../domain/clock.ts'
import type { Outcome } from '../../domain/outcome.ts'
import type { Call } from '../../domain/worker.ts'
import type { OnOutput, OutputMarker } from '../sandbox/sandbox.ts'
import { PrintedMarks } from './printed-marks.ts'
import { ReadOnlyRoot } from './read-only-root.ts'

/**
 * What a call printed is still on its way when its answer is there. Where a mark can be put behind it, the mark is waited for; else
 * an image is waited for until it has been quiet for this time.
 */
export const usualQuietMs = 10
/** But no longer than that. */
export const lastLinesMs = 100
/** How long a mark may be under way. */
const markWaitMs = 1000
/** Calls in a row without output after which an image without marks is not waited for, until it prints again or fails. */
const mostSilentCalls = 10
/** Characters kept of what is printed while it starts. */
export const longestStartLog = 64 * 1024

/** Tells when a call has printed all. */
export interface LastLines {
  /** Null: this time it cannot be told. */
  until(): Promise<void> | null
  /** How long that may take. */
  mostMs: number
}

/** A call under way. */
interface Open {
  /** What it printed of its root. */
  root: ReadOnlyRoot
  /** Of which what comes is its own. */
  streams: Set<'stdout' | 'stderr'>
}

interface Options {
  clock: Clock
  quietMs: number
  /** What it prints while no call is under way, also while it starts. */
  onOther: OnOutput
  /** Where the image itself says that a call has printed all. */
  lastLines?: LastLines | undefined
}

/** What an image prints, which comes by another way than its answers: through the engine, and without a word of whose it is. */
export class ImageOutput {
  /** What it printed before it was ready. */
  startLog = ''
  #isReady = false
  #clock: Clock
  #quietMs: number
  #onOther: OnOutput
  #printed: LastLines | undefined
  #calls = new Map<Call, Open>()
  #marks = new PrintedMarks((stream, text) => this.#took(stream, text))
  #root = new ReadOnlyRoot()
  /** Calls in a row that it printed nothing for. */
  #silentCalls = 0
  #printedAt = 0
  #ended = Promise.withResolvers<void>()

  constructor(options: Options) {
    this.#clock = options.clock
    this.#quietMs = options.quietMs
    this.#onOther = options.onOther
    this.#printed = options.lastLines
  }

  /** What is printed from now on is not of its start. */
  ready(): void {
    this.#isReady = true
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** How many are under way. */
  get calls(): number {
    return this.#calls.size
  }

  /** Marks can be put into what it prints. */
  markWith(marker: OutputMarker): void {
    this.#marks.use(marker)
  }

  /** What the engine has of its output. */
  print(stream: 'stdout' | 'stderr', text: string): void {
    this.#marks.take(stream, text)
  }

  /** The image has ended: no mark comes back any more. */
  end(): void {
    this.#marks.flush()
    this.#ended.resolve()
  }

  /** What it printed before is under way yet, and belongs to no call that begins now. */
  open(call: Call): ReadOnlyRoot {
    const open: Open = { root: new ReadOnlyRoot(), streams: new Set() }
    this.#calls.set(call, open)
    if (!this.#marks.put((stream) => open.streams.add(stream))) open.streams.add('stdout').add('stderr')
    return open.root
  }

  close(call: Call): void {
    this.#calls.delete(call)
  }

  /** How its start went, with the remedy when it could not write. */
  explainStart(outcome: Outcome): Outcome {
    return this.#root.explain(outcome)
  }

  /** Resolves when what the call printed has come, as far as that can be told. */
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

  /** How long that may take at most. */
  get lastLinesWithinMs(): number {
    return lastLinesMs + (this.#printed?.mostMs ?? markWaitMs)
  }

  /** What the image prints belongs to the call that it works on (to each, when it works on several), and else to the worker. */
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

  /** Null: no mark can be put. */
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

/** What an image prints before there is somebody to tell. */
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
