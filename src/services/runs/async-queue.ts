import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import { mayTake } from '../../domain/share.ts'

export interface AsyncQueueLimits {
  /** Accepted runs that may wait. */
  maxQueued: number
  /** Bytes of input that may wait. */
  maxQueuedBytes: number
  /** Accepted runs at work at once. */
  maxAsyncRunning: number
  /** Accepted runs of one function at work at once: a busy function leaves room for the others. */
  maxAsyncRunningPerFunction: number
  /** Pause before the second try; doubles with each further one, up to a minute. */
  retryPauseMs: number
}

/** One try; false: try again after a pause. Must not throw. */
export type Attempt = () => Promise<boolean>

/** Whose run it is, and what it takes while it waits. */
export interface QueuedRun {
  projectId: string
  functionId: string
  bytes: number
  /** It was at work each time that the server went down: one of these at a time. */
  isSuspect?: boolean
}

/** A place in the queue that was promised before the run became durable. */
export interface Place {
  giveUp(): void
  /** Resolves when the run is over. */
  enqueue(attempt: Attempt): Promise<void>
}

interface Waiting extends QueuedRun {
  attempt: Attempt
  tries: number
  done: () => void
}

interface Lane {
  waiting: Waiting[]
  running: number
}

interface Project {
  lanes: Map<string, Lane>
  running: number
  held: number
  heldBytes: number
}

const longestPauseMs = 60_000
/** Of a pause, what chance may take away, so that what failed together does not come back together. */
const jitterShare = 0.5
/** The lane of the suspects of a project; no function has this id. */
const suspects = ''

/** Accepted runs that wait for their turn: first come, first served within a function; projects take turns, and in them functions. */
export class AsyncQueue {
  #limits: AsyncQueueLimits
  #clock: Clock
  #random: () => number
  #projects = new Map<string, Project>()
  #held = 0
  #heldBytes = 0
  #running = 0
  #suspectRuns = false
  #closed = false
  #idle: (() => void)[] = []

  /** `random`: from 0 to 1. */
  constructor(limits: AsyncQueueLimits, clock: Clock, random: () => number = () => 0) {
    this.#limits = limits
    this.#clock = clock
    this.#random = random
  }

  /** Accepted runs that have not begun. */
  get waiting(): number {
    return this.#held
  }

  /** Throws FaasError `queue_full`. */
  reserve(run: QueuedRun): Place {
    const { maxQueued, maxQueuedBytes } = this.#limits
    const { held, heldBytes } = this.#projects.get(run.projectId) ?? nothing
    if (!mayTake(1, this.#held, held, maxQueued) || !mayTake(run.bytes, this.#heldBytes, heldBytes, maxQueuedBytes)) {
      throw new FaasError('queue_full', `${this.#held} runs wait already; try again later.`)
    }
    return this.readmit(run)
  }

  /** A place for what was accepted before: limits do not count. */
  readmit(run: QueuedRun): Place {
    this.#hold(run, 1)
    return {
      giveUp: () => this.#hold(run, -1),
      enqueue: (attempt) => new Promise((done) => this.#add({ ...run, attempt, tries: 0, done })),
    }
  }

  /** Starts nothing more; resolves when what is at work has ended. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #hold({ projectId, bytes }: QueuedRun, change: 1 | -1): void {
    const project = this.#project(projectId)
    project.held += change
    project.heldBytes += change * bytes
    this.#held += change
    this.#heldBytes += change * bytes
    this.#tidy(projectId, project)
  }

  #add(entry: Waiting): void {
    const { lanes } = this.#project(entry.projectId)
    const key = entry.isSuspect ? suspects : entry.functionId
    const lane = lanes.get(key)
    if (lane === undefined) lanes.set(key, { waiting: [entry], running: 0 })
    else lane.waiting.push(entry)
    this.#dispatch()
  }

  #dispatch(): void {
    while (!this.#closed) {
      const next = this.#next()
      if (next === null) return
      const { entry, project, lane } = next
      lane.running++
      project.running++
      this.#running++
      if (entry.isSuspect) this.#suspectRuns = true
      this.#hold(entry, -1)
      void this.#work(entry).finally(() => this.#ended(entry, project, lane))
    }
  }

  /** The one whose turn it is; its function goes behind the others of its project, and its project behind the others. */
  #next(): { entry: Waiting; project: Project; lane: Lane } | null {
    for (const [projectId, project] of this.#projects) {
      if (!mayTake(1, this.#running, project.running, this.#limits.maxAsyncRunning)) continue
      for (const [key, lane] of project.lanes) {
        if (!this.#mayRun(key, lane)) continue
        const entry = lane.waiting.shift()
        if (entry === undefined) continue
        toEnd(project.lanes, key, lane)
        toEnd(this.#projects, projectId, project)
        return { entry, project, lane }
      }
    }
    return null
  }

  #mayRun(key: string, lane: Lane): boolean {
    return key === suspects ? !this.#suspectRuns : lane.running < this.#limits.maxAsyncRunningPerFunction
  }

  async #work(entry: Waiting): Promise<void> {
    entry.tries++
    if (await entry.attempt()) return entry.done()
    this.#hold(entry, 1)
    this.#clock.after(this.#pauseMs(entry.tries), () => this.#add(entry))
  }

  #pauseMs(tries: number): number {
    const pauseMs = Math.min(longestPauseMs, this.#limits.retryPauseMs * 2 ** (tries - 1))
    return pauseMs * (1 - jitterShare * this.#random())
  }

  #ended({ projectId, functionId, isSuspect }: Waiting, project: Project, lane: Lane): void {
    lane.running--
    project.running--
    this.#running--
    if (isSuspect) this.#suspectRuns = false
    const key = isSuspect ? suspects : functionId
    if (lane.running + lane.waiting.length > 0) toEnd(project.lanes, key, lane)
    else project.lanes.delete(key)
    toEnd(this.#projects, projectId, project)
    this.#tidy(projectId, project)
    this.#dispatch()
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #project(id: string): Project {
    let project = this.#projects.get(id)
    if (project === undefined) {
      project = { lanes: new Map(), running: 0, held: 0, heldBytes: 0 }
      this.#projects.set(id, project)
    }
    return project
  }

  #tidy(id: string, { held, running, lanes }: Project): void {
    if (held + running + lanes.size === 0) this.#projects.delete(id)
  }
}

const nothing = { held: 0, heldBytes: 0 }

function toEnd<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
}
