import type { Clock } from '../../domain/clock.ts'
import {
  dayOf,
  msToNextDay,
  noUsageAmounts,
  type UsageAmounts,
  type UsageStore,
  type WorkerMeter,
} from '../../domain/platform/usage.ts'
import type { CallInput, Revision, StreamSink } from '../../domain/platform/worker.ts'
import type { Outcome } from '../../domain/runs/outcome.ts'

/** Use of a function since the last flush. */
interface Cell extends UsageAmounts {
  projectId: string
  functionId: string
  /** Use of its project today. */
  project: { busyGbSeconds: number }
  fn: { busyGbSeconds: number }
}

const gib = 1024 ** 3
/** Longest period of use that a crash may lose. */
const flushEveryMs = 10_000

/** Counts use of functions in memory, at a few additions per call. It is flushed every ten seconds and at the end of each day. */
export class UsageMeter implements WorkerMeter {
  #store: UsageStore
  #clock: Clock
  #cells = new Map<string, Cell>()
  #last: Cell | undefined
  #day: string
  /** Today's use of projects and functions, by id. */
  #today = new Map<string, { busyGbSeconds: number }>()
  #stopTimer: () => void = () => {}
  /** Makes the pool report workers that hold memory now. */
  #sweep: () => void = () => {}

  constructor(parts: { store: UsageStore; clock: Clock }) {
    this.#store = parts.store
    this.#clock = parts.clock
    this.#day = dayOf(parts.clock.now())
    this.#readDay()
  }

  /** Starts the periodic flush. `sweep`: makes the pool report what its workers hold. */
  start(sweep: () => void): void {
    this.#sweep = sweep
    this.#later()
  }

  /** Flushes the rest. */
  close(): void {
    this.#stopTimer()
    this.flush()
  }

  held(revision: Revision, ms: number, isBusy: boolean): void {
    const gbSeconds = (revision.memoryBytes / gib) * (ms / 1000)
    const cell = this.#cellOf(revision)
    if (isBusy) {
      cell.busyGbSeconds += gbSeconds
      cell.project.busyGbSeconds += gbSeconds
      cell.fn.busyGbSeconds += gbSeconds
    } else cell.idleGbSeconds += gbSeconds
  }

  spent(revision: Revision, ms: number): void {
    this.#cellOf(revision).cpuSeconds += ms / 1000
  }

  /** An attempt has ended. A `command` image has no worker before and after it. */
  call(revision: Revision, input: CallInput, outcome: Outcome, streamedBytes: number): void {
    const cell = this.#cellOf(revision)
    cell.calls++
    cell.bytesIn += input.body.length
    cell.bytesOut += outcome.kind === 'returned' ? outcome.value.body.length : streamedBytes
    if (outcome.cpuMs !== null) cell.cpuSeconds += outcome.cpuMs / 1000
    if (revision.kind === 'command') this.held(revision, outcome.runMs, true)
  }

  /** Today's use of a project's functions, or of one of them, and the time until the day ends. */
  today(projectId: string, functionId?: string): { busyGbSeconds: number; leftMs: number } {
    const now = this.#clock.now()
    const key = functionId === undefined ? ofProject(projectId) : ofFunction(functionId)
    const busyGbSeconds = dayOf(now) === this.#day ? (this.#today.get(key)?.busyGbSeconds ?? 0) : 0
    return { busyGbSeconds, leftMs: msToNextDay(now) }
  }

  /** Writes all use until now to the store. */
  flush(): void {
    this.#sweep()
    const rows = [...this.#cells.values()].map(({ project: _project, fn: _fn, ...used }) => ({
      ...used,
      day: this.#day,
    }))
    this.#cells.clear()
    this.#last = undefined
    if (rows.length > 0) this.#store.addUsage(rows)
    this.#turnDay()
  }

  #turnDay(): void {
    const day = dayOf(this.#clock.now())
    if (day === this.#day) return
    this.#day = day
    this.#today.clear()
    this.#readDay()
  }

  /** Reads the stored use of the day, after a start or when the clock was set back. */
  #readDay(): void {
    for (const { projectId, functionId, busyGbSeconds } of this.#store.usageOfDay(this.#day)) {
      this.#soFar(ofProject(projectId)).busyGbSeconds += busyGbSeconds
      this.#soFar(ofFunction(functionId)).busyGbSeconds += busyGbSeconds
    }
  }

  #later(): void {
    const pauseMs = Math.min(flushEveryMs, msToNextDay(this.#clock.now()))
    this.#stopTimer = this.#clock.after(pauseMs, () => {
      this.flush()
      this.#later()
    })
  }

  /** Most calls have the function of the previous one. */
  #cellOf({ functionId, projectId }: Revision): Cell {
    if (this.#last?.functionId === functionId) return this.#last
    let cell = this.#cells.get(functionId)
    if (cell === undefined) {
      const today = { project: this.#soFar(ofProject(projectId)), fn: this.#soFar(ofFunction(functionId)) }
      cell = { projectId, functionId, ...today, ...noUsageAmounts() }
      this.#cells.set(functionId, cell)
    }
    this.#last = cell
    return cell
  }

  #soFar(key: string): { busyGbSeconds: number } {
    let used = this.#today.get(key)
    if (used === undefined) {
      used = { busyGbSeconds: 0 }
      this.#today.set(key, used)
    }
    return used
  }
}

/** The prefix distinguishes a project from a function with the same id. */
const ofProject = (id: string): string => `project ${id}`
const ofFunction = (id: string): string => `function ${id}`

/** Counts the bytes that pass through to a caller. */
export class CountedSink implements StreamSink {
  bytes = 0
  #sink: StreamSink

  constructor(sink: StreamSink) {
    this.#sink = sink
  }

  head(head: Parameters<StreamSink['head']>[0]): void {
    this.#sink.head(head)
  }

  write(chunk: Buffer): boolean {
    this.bytes += chunk.length
    return this.#sink.write(chunk)
  }

  drained(): Promise<void> {
    return this.#sink.drained()
  }
}
