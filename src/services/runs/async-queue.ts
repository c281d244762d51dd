import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import { isWithinFairShare } from '../../domain/fair-share.ts'
import { noShares, type Shares } from '../../domain/limits.ts'
import { DelayQueue } from './delay-queue.ts'

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

/** One attempt: resolves to null when the run is over, or to the milliseconds until the next attempt. Must not throw. */
export type Attempt = () => Promise<number | null>

/** The owner of a run, and its size while it waits. */
export interface QueuedRun {
  projectId: string
  functionId: string
  bytes: number
  /** Called when the run is next: returns a function to call at its end, or the ms until the next check of its limits. */
  enter?: () => (() => void) | null | number
  /** True when the server ended during each of its attempts: at most one such run is active. */
  isSuspect?: boolean
  /** Higher goes first within its project; default 0. */
  priority?: number
}

/** A place in the queue, reserved before the run became durable. */
export interface QueueReservation {
  /** Gives the place back: the run must not begin, or not again. False: it is active. */
  giveUp(): boolean
  /** Resolves when the run is over, or its place was given back. `notBeforeMs`: wall time. */
  enqueue(attempt: Attempt, notBeforeMs?: number | null): Promise<void>
}

interface Waiting extends QueuedRun {
  priority: number
  attempt: Attempt
  state: 'waiting' | 'at work' | 'given up'
  /** The lane in which it waits. */
  lane: Lane | null
  done: () => void
}

interface Lane {
  waiting: Waiting[]
  running: number
}

interface Project {
  lanes: Map<string, Lane>
  /** Number of its waiting runs with a priority other than the default. */
  prioritized: number
  running: number
  held: number
  heldBytes: number
}

/** Longest interval between checks of runs whose function or project is at a limit. */
const longestLookMs = 100

/** Called at the end of a run that counts towards limits; null: it does not. */
type Leave = (() => void) | null

/** Key of a project's lane of suspects; no function has this id. */
const suspects = ''

/** The queue of accepted runs: first in, first out within a function; projects take turns, and functions within a project. */
export class AsyncQueue {
  #limits: AsyncQueueLimits
  #later: DelayQueue<Waiting>
  #clock: Clock
  #projects = new Map<string, Project>()
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
    const entry: Waiting = {
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

  #giveUp(entry: Waiting): boolean {
    if (entry.state === 'at work') return false
    if (entry.state === 'waiting') this.#hold(entry, -1)
    entry.state = 'given up'
    this.#later.delete(entry)
    this.#leaveLane(entry)
    entry.done()
    return true
  }

  #leaveLane(entry: Waiting): void {
    const { lane } = entry
    if (lane === null) return
    const project = this.#project(entry.projectId)
    lane.waiting = lane.waiting.filter((one) => one !== entry)
    this.#left(entry, project)
    if (lane.running + lane.waiting.length === 0) project.lanes.delete(laneKey(entry))
    this.#tidy(entry.projectId, project)
  }

  #left(entry: Waiting, project: Project): void {
    entry.lane = null
    if (entry.priority !== 0) project.prioritized--
  }

  #add(entry: Waiting): void {
    const project = this.#project(entry.projectId)
    const key = laneKey(entry)
    const lane = project.lanes.get(key) ?? { waiting: [], running: 0 }
    project.lanes.set(key, lane)
    insertByPriority(lane.waiting, entry)
    entry.lane = lane
    if (entry.priority !== 0) project.prioritized++
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
  #next(): { entry: Waiting; project: Project; lane: Lane; leave: Leave } | null {
    for (const [projectId, project] of this.#projects) {
      if (!isWithinFairShare(1, this.#running, project.running, this.#limits.maxAsyncRunning)) continue
      const found = this.#laneOf(project)
      if (found === null) continue
      const { key, lane, leave } = found
      const entry = lane.waiting.shift() as Waiting
      this.#left(entry, project)
      toEnd(project.lanes, key, lane)
      toEnd(this.#projects, projectId, project)
      return { entry, project, lane, leave }
    }
    return null
  }

  /** The next lane whose function and project are not at a limit. */
  #laneOf(project: Project): { key: string; lane: Lane; leave: Leave } | null {
    for (const [key, lane] of this.#lanesInTurn(project)) {
      const leave = lane.waiting[0]?.enter?.() ?? null
      if (typeof leave !== 'number') return { key, lane, leave }
      this.#lookAfter(leave)
    }
    return null
  }

  /** With priorities, lanes are ordered by the priority of their first run. */
  #lanesInTurn(project: Project): Iterable<[key: string, lane: Lane]> {
    const lanes = this.#lanesThatMayRun(project)
    if (project.prioritized === 0) return lanes
    const priorityOf = ([, { waiting }]: [string, Lane]): number => waiting[0]?.priority ?? 0
    return [...lanes].sort((a, b) => priorityOf(b) - priorityOf(a))
  }

  *#lanesThatMayRun({ lanes }: Project): Generator<[key: string, lane: Lane]> {
    for (const [key, lane] of lanes) if (lane.waiting.length > 0 && this.#mayRun(key, lane)) yield [key, lane]
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

  async #work(entry: Waiting): Promise<void> {
    const pauseMs = await entry.attempt()
    if (pauseMs === null) return entry.done()
    entry.state = 'waiting'
    this.#hold(entry, 1)
    this.#clock.after(pauseMs, () => {
      if (entry.state === 'waiting') this.#add(entry)
    })
  }

  #ended(entry: Waiting, project: Project, lane: Lane): void {
    const { projectId, isSuspect } = entry
    lane.running--
    project.running--
    this.#running--
    if (isSuspect) this.#suspectRuns = false
    const key = laneKey(entry)
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
      project = { lanes: new Map(), prioritized: 0, running: 0, held: 0, heldBytes: 0 }
      this.#projects.set(id, project)
    }
    return project
  }

  #tidy(id: string, { held, running, lanes }: Project): void {
    if (held + running + lanes.size === 0) this.#projects.delete(id)
  }
}

const laneKey = ({ isSuspect, functionId }: QueuedRun): string => (isSuspect ? suspects : functionId)

const nothingToDo: Attempt = () => Promise.resolve(null)

/** First in, first out among equal priorities. */
function insertByPriority(waiting: Waiting[], entry: Waiting): void {
  const last = waiting.at(-1)
  if (last === undefined || last.priority >= entry.priority) waiting.push(entry)
  else
    waiting.splice(
      waiting.findIndex((other) => other.priority < entry.priority),
      0,
      entry,
    )
}

const nothing = { held: 0, heldBytes: 0 }

function toEnd<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
}
