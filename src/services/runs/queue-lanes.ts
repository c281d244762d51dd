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

/** A run in the queue. */
export interface WaitingRun extends QueuedRun {
  priority: number
  attempt: Attempt
  state: 'waiting' | 'at work' | 'given up'
  /** The lane in which it waits. */
  lane: Lane | null
  done: () => void
}

/** The waiting runs of one function. */
export interface Lane {
  waiting: WaitingRun[]
  running: number
}

export interface QueuedProject {
  lanes: Map<string, Lane>
  /** Number of its waiting runs with a priority other than the default. */
  prioritized: number
  running: number
  held: number
  heldBytes: number
}

/** Key of a project's lane of suspects; no function has this id. */
export const suspects = ''

export const laneKey = ({ isSuspect, functionId }: QueuedRun): string => (isSuspect ? suspects : functionId)

export const newProject = (): QueuedProject => ({ lanes: new Map(), prioritized: 0, running: 0, held: 0, heldBytes: 0 })

export const isEmptyProject = ({ held, running, lanes }: QueuedProject): boolean => held + running + lanes.size === 0

/** Puts a run into the lane of its function, behind those of its priority. */
export function enterLane(project: QueuedProject, entry: WaitingRun): void {
  const key = laneKey(entry)
  const lane = project.lanes.get(key) ?? { waiting: [], running: 0 }
  project.lanes.set(key, lane)
  insertByPriority(lane.waiting, entry)
  entry.lane = lane
  if (entry.priority !== 0) project.prioritized++
}

/** Takes a run out of its lane before its turn. */
export function leaveLane(project: QueuedProject, entry: WaitingRun): void {
  const { lane } = entry
  if (lane === null) return
  lane.waiting = lane.waiting.filter((one) => one !== entry)
  noteLeft(project, entry)
  if (lane.running + lane.waiting.length === 0) project.lanes.delete(laneKey(entry))
}

/** Takes the first run of a lane, which moves behind the others of its project. */
export function takeFirst(project: QueuedProject, key: string, lane: Lane): WaitingRun {
  const entry = lane.waiting.shift() as WaitingRun
  noteLeft(project, entry)
  toEnd(project.lanes, key, lane)
  return entry
}

/** A run of the lane has ended: the lane moves behind the others, or goes when nothing of its function is left. */
export function noteLaneEnd(project: QueuedProject, key: string, lane: Lane): void {
  if (lane.running + lane.waiting.length > 0) toEnd(project.lanes, key, lane)
  else project.lanes.delete(key)
}

/** The lanes that may run, in turn; with priorities, ordered by the priority of their first run. */
export function lanesInTurn(
  project: QueuedProject,
  mayRun: (key: string, lane: Lane) => boolean,
): Iterable<[key: string, lane: Lane]> {
  const lanes = lanesThatMayRun(project, mayRun)
  if (project.prioritized === 0) return lanes
  const priorityOf = ([, { waiting }]: [string, Lane]): number => waiting[0]?.priority ?? 0
  return [...lanes].sort((a, b) => priorityOf(b) - priorityOf(a))
}

function* lanesThatMayRun(
  { lanes }: QueuedProject,
  mayRun: (key: string, lane: Lane) => boolean,
): Generator<[key: string, lane: Lane]> {
  for (const [key, lane] of lanes) if (lane.waiting.length > 0 && mayRun(key, lane)) yield [key, lane]
}

function noteLeft(project: QueuedProject, entry: WaitingRun): void {
  entry.lane = null
  if (entry.priority !== 0) project.prioritized--
}

/** First in, first out among equal priorities. */
function insertByPriority(waiting: WaitingRun[], entry: WaitingRun): void {
  const last = waiting.at(-1)
  if (last === undefined || last.priority >= entry.priority) waiting.push(entry)
  else
    waiting.splice(
      waiting.findIndex((other) => other.priority < entry.priority),
      0,
      entry,
    )
}

export function toEnd<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
}
