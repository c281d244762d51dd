import type { Clock } from '../../domain/clock.ts'
import type { Outcome } from '../../domain/outcome.ts'
import { dayOf, msToNextDay, nothingUsed, type UsageStore, type Used, type WorkerMeter } from '../../domain/usage.ts'
import type { CallInput, Revision, StreamSink } from '../../domain/worker.ts'

/** What a function has used since it was last written. */
interface Cell extends Used {
  projectId: string
  functionId: string
  /** Of the day so far. */
  project: { busyGbSeconds: number }
  fn: { busyGbSeconds: number }
}

const gib = 1024 ** 3
/** What a crash may cost. */
const flushEveryMs = 10_000

/** Counts what functions use, in memory: a few additions a call. Every ten seconds, and at the end of each day, it is written. */
export class UsageMeter implements WorkerMeter {
  #store: UsageStore
  #clock: Clock
  #cells = new Map<string, Cell>()
  #last: Cell | undefined
  #day: string
  /** Of this day: of projects and of functions, by their ids. */
  #today = new Map<string, { busyGbSeconds: number }>()
  #stopTimer: () => void = () => {}
  /** Tells the meter of workers that hold memory now. */
  #sweep: () => void = () => {}

  constructor(parts: { store: UsageStore; clock: Clock }) {
    this.#store = parts.store
    this.#clock = parts.clock
    this.#day = dayOf(parts.clock.now())
    this.#readDay()
  }

  /** Writes by the clock from now on. `sweep`: lets the pool tell what its workers hold. */
  start(sweep: () => void): void {
    this.#sweep = sweep
    this.#later()
  }

  /** What is left is written. */
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

  /** A try has ended. A `command` image has no worker that is there before and after it. */
  call(revision: Revision, input: CallInput, outcome: Outcome, streamedBytes: number): void {
    const cell = this.#cellOf(revision)
    cell.calls++
    cell.bytesIn += input.body.length
    cell.bytesOut += outcome.kind === 'returned' ? outcome.value.body.length : streamedBytes
    if (outcome.cpuMs !== null) cell.cpuSeconds += outcome.cpuMs / 1000
    if (revision.kind === 'command') this.held(revision, outcome.runMs, true)
  }

  /** What the calls of a project's functions took today, or of one of them, and how long today lasts. */
  today(projectId: string, functionId?: string): { busyGbSeconds: number; leftMs: number } {
    const now = this.#clock.now()
    const key = functionId === undefined ? ofProject(projectId) : ofFunction(functionId)
    const busyGbSeconds = dayOf(now) === this.#day ? (this.#today.get(key)?.busyGbSeconds ?? 0) : 0
    return { busyGbSeconds, leftMs: msToNextDay(now) }
  }

  /** Everything that was used until now is with the store. */
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

  /** A server that begins, and a clock that was set back, go on with what the day has. */
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

  /** Most calls are of the same function as the one before. */
  #cellOf({ functionId, projectId }: Revision): Cell {
    if (this.#last?.functionId === functionId) return this.#last
    let cell = this.#cells.get(functionId)
    if (cell === undefined) {
      const today = { project: this.#soFar(ofProject(projectId)), fn: this.#soFar(ofFunction(functionId)) }
      cell = { projectId, functionId, ...today, ...nothingUsed() }
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

/** Of two kinds, so that a project whose name is an id of a function is not that function. */
const ofProject = (id: string): string => `project ${id}`
const ofFunction = (id: string): string => `function ${id}`

/** Counts what goes through to a caller. */
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
