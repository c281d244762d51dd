import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import { isWithinFairShare } from '../../domain/fair-share.ts'
import { noShares, type Shares } from '../../domain/platform/limits.ts'
import { DelayQueue } from './delay-queue.ts'
import {
  type Attempt,
  enterLane,
  isEmptyProject,
  type Lane,
  laneKey,
  lanesInTurn,
  leaveLane,
  newProject,
  noteLaneEnd,
  type QueuedProject,
  type QueuedRun,
  suspects,
  takeFirst,
  toEnd,
  type WaitingRun,
} from './queue-lanes.ts'

export interface AsyncQueueLimits {
  /** Limit of waiting runs. */
  maxQueued: number
  /** Limit of bytes of waiting input. */
  maxQueuedBytes: number
  /** Limit of active accepted runs. */
  maxAsyncRunning: number
  /** Limit of active accepted runs of one function, which leaves room for others. */
  maxAsyncRunningPerFunction: number
}

/** A place in the queue, reserved before the run became durable. */
export interface QueueReservation {
  /** Gives the place back: the run must not begin, or not again. False: it is active. */
  giveUp(): boolean
  /** Resolves when the run is over, or its place was given back. `notBeforeMs`: wall time. */
  enqueue(attempt: Attempt, notBeforeMs?: number | null): Promise<void>
}

/** Longest interval between checks of runs whose function or project is at a limit. */
const longestLookMs = 100

/** Called at the end of a run that counts towards limits; null: it does not. */
type Leave = (() => void) | null

/** The queue of accepted runs: first in, first out within a function; projects take turns, and functions within a project. */
export class AsyncQueue {
  #limits: AsyncQueueLimits
  #later: DelayQueue<WaitingRun>
  #clock: Clock
  #projects = new Map<string, QueuedProject>()
  #held = 0
  #heldBytes = 0
  #running = 0
  #shares: Shares
  #suspectRuns = false
  /** Cancels the next check of lanes at a limit; null: there are none. */
  #stopLook: (() => void) | null = null
  #closed = false
  #idle: (() => void)[] = []

  constructor(limits: AsyncQueueLimits, clock: Clock, shares: Shares = noShares) {
    this.#limits = limits
    this.#shares = shares
    this.#clock = clock
    this.#later = new DelayQueue(clock, (entry) => this.#add(entry))
  }

  /** Number of accepted runs that have not begun. */
  get waiting(): number {
    return this.#held
  }

  /** Throws FaasError `queue_full`, `limit_reached`. */
  reserve(run: QueuedRun): QueueReservation {
    const { maxQueued, maxQueuedBytes } = this.#limits
    const { held, heldBytes } = this.#projects.get(run.projectId) ?? nothing
    if (
      !isWithinFairShare(1, this.#held, held, maxQueued) ||
      !isWithinFairShare(run.bytes, this.#heldBytes, heldBytes, maxQueuedBytes)
    ) {
      throw new FaasError('queue_full', `${this.#held} runs wait already; try again later.`)
    }
    this.#shares.refuseMore(run.projectId, 'queued_runs', held)
    this.#shares.refuseMore(run.projectId, 'queued_bytes', heldBytes, run.bytes)
    return this.readmit(run)
  }

  /** Number and bytes of a project's waiting runs. */
  heldBy(projectId: string): { held: number; heldBytes: number } {
    const { held, heldBytes } = this.#projects.get(projectId) ?? nothing
    return { held, heldBytes }
  }

  /** Reserves a place for a run that was accepted earlier: limits do not apply. */
  readmit(run: QueuedRun): QueueReservation {
    this.#hold(run, 1)
    const promised = Promise.withResolvers<void>()
    const entry: WaitingRun = {
      ...{ ...run, priority: run.priority ?? 0, state: 'waiting', lane: null },
      ...{ attempt: nothingToDo, done: promised.resolve },
    }
    return {
      giveUp: () => this.#giveUp(entry),
      enqueue: (attempt, notBeforeMs = null) => {
        entry.attempt = attempt
        if (entry.state === 'waiting') this.#later.add(entry, notBeforeMs)
        return promised.promise
      },
    }
  }

  /** Starts no more runs; resolves when active runs have ended. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopLook?.()
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

  #giveUp(entry: WaitingRun): boolean {
    if (entry.state === 'at work') return false
    if (entry.state === 'waiting') this.#hold(entry, -1)
    entry.state = 'given up'
    this.#later.delete(entry)
    if (entry.lane !== null) {
      const project = this.#project(entry.projectId)
      leaveLane(project, entry)
      this.#tidy(entry.projectId, project)
    }
    entry.done()
    return true
  }

  #add(entry: WaitingRun): void {
    enterLane(this.#project(entry.projectId), entry)
    this.#dispatch()
  }

  #dispatch(): void {
    while (!this.#closed) {
      const next = this.#next()
      if (next === null) return
      const { entry, project, lane, leave } = next
      entry.state = 'at work'
      lane.running++
      project.running++
      this.#running++
      if (entry.isSuspect) this.#suspectRuns = true
      this.#hold(entry, -1)
      void this.#work(entry).finally(() => {
        leave?.()
        this.#ended(entry, project, lane)
      })
    }
  }

  /** The next run; its function then moves behind the others of its project, and its project behind the others. */
  #next(): { entry: WaitingRun; project: QueuedProject; lane: Lane; leave: Leave } | null {
    for (const [projectId, project] of this.#projects) {
      if (!isWithinFairShare(1, this.#running, project.running, this.#limits.maxAsyncRunning)) continue
      const found = this.#laneOf(project)
      if (found === null) continue
      const { key, lane, leave } = found
      const entry = takeFirst(project, key, lane)
      toEnd(this.#projects, projectId, project)
      return { entry, project, lane, leave }
    }
    return null
  }

  /** The next lane whose function and project are not at a limit. */
  #laneOf(project: QueuedProject): { key: string; lane: Lane; leave: Leave } | null {
    for (const [key, lane] of lanesInTurn(project, (key, lane) => this.#mayRun(key, lane))) {
      const leave = lane.waiting[0]?.enter?.() ?? null
      if (typeof leave !== 'number') return { key, lane, leave }
      this.#lookAfter(leave)
    }
    return null
  }

  #lookAfter(ms: number): void {
    this.#stopLook ??= this.#clock.after(Math.min(Math.max(1, ms), longestLookMs), () => {
      this.#stopLook = null
      this.#dispatch()
    })
  }

  #mayRun(key: string, lane: Lane): boolean {
    return key === suspects ? !this.#suspectRuns : lane.running < this.#limits.maxAsyncRunningPerFunction
  }

  async #work(entry: WaitingRun): Promise<void> {
    const pauseMs = await entry.attempt()
    if (pauseMs === null) return entry.done()
    entry.state = 'waiting'
    this.#hold(entry, 1)
    this.#clock.after(pauseMs, () => {
      if (entry.state === 'waiting') this.#add(entry)
    })
  }

  #ended(entry: WaitingRun, project: QueuedProject, lane: Lane): void {
    const { projectId, isSuspect } = entry
    lane.running--
    project.running--
    this.#running--
    if (isSuspect) this.#suspectRuns = false
    noteLaneEnd(project, laneKey(entry), lane)
    toEnd(this.#projects, projectId, project)
    this.#tidy(projectId, project)
    this.#dispatch()
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #project(id: string): QueuedProject {
    let project = this.#projects.get(id)
    if (project === undefined) {
      project = newProject()
      this.#projects.set(id, project)
    }
    return project
  }

  #tidy(id: string, project: QueuedProject): void {
    if (isEmptyProject(project)) this.#projects.delete(id)
  }
}

const nothingToDo: Attempt = () => Promise.resolve(null)

const nothing = { held: 0, heldBytes: 0 }
