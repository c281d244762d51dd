import type { ColdReason, StartKind } from '../../../domain/execution.ts'

/**
 * The pool's decisions as plain functions from values to values: no container, no clock, no state. `pool.ts` asks and acts.
 */

export interface GroupView {
  /** Calls that wait for a worker of this revision. */
  waiting: number
  /** Workers bound to it, busy or idle. */
  workers: number
  /** Workers being bound or started for it. */
  provisioning: number
  concurrency: number
  minWorkers: number
  maxWorkers: number | null
}

export interface BusyView {
  /** Calls that its workers run. */
  running: number
  /** Mean time that they take; 0: not known. */
  runMs: number
  /** Until a worker that is started now serves. */
  startMs: number
  /** How long the call at the head of the line has waited. */
  waitedMs: number
}

/** Calls end when they like: only half of those that should end in time are counted on. */
const sureShare = 0.5

/**
 * How many calls that wait will be served by busy workers before one started now would be there. Whatever was predicted,
 * a call that has waited for as long as a start takes gets its start.
 */
export function servedByBusy({ running, runMs, startMs, waitedMs }: BusyView): number {
  if (runMs === 0 || waitedMs >= startMs) return 0
  return Math.floor((sureShare * running * startMs) / runMs)
}

/** How many more workers of a revision to provide now. */
export function workersWanted(group: GroupView): number {
  const have = group.workers + group.provisioning
  const forWaiting = Math.ceil(group.waiting / group.concurrency) - group.provisioning
  const forMinimum = group.minWorkers - have
  const room = (group.maxWorkers ?? Number.POSITIVE_INFINITY) - have
  return Math.max(0, Math.min(Math.max(forWaiting, forMinimum), room))
}

export interface Evictable {
  name: string
  memoryBytes: number
  /** See `worthKeeping`. */
  worth: number
}

/** What keeping an idle worker is worth: ms of cold starts saved, per second and MiB. `perMs`: calls saved; see `Outlook`. */
export function worthKeeping(perMs: number, coldMs: number, memoryBytes: number): number {
  return (perMs * 1000 * coldMs) / (memoryBytes / 1048576)
}

export interface AheadView {
  /** That the call comes for which the worker would be started. */
  probability: number
  /** What it spares that call. */
  savedMs: number
  /** See `worthKeeping`. */
  worth: number
  /** What keeping those is worth that would make room; 0 while there is room. */
  price: number
}

/** A start costs something too: it must be likely that a call comes, save it much, and clear that it gains more than it takes. */
const likelyEnough = 0.7
const leastSavedMs = 100
const gainOverPrice = 1.3

/** Whether to start a worker before anybody calls. */
export function isWorthWarming({ probability, savedMs, worth, price }: AheadView): boolean {
  return probability >= likelyEnough && savedMs >= leastSavedMs && worth > price * gainOverPrice
}

/** The least worthy idle workers that make enough room, none of them in vain; null when all of them would not. */
export function chooseEvictions<Worker extends Evictable>(
  neededBytes: number,
  idle: readonly Worker[],
): Worker[] | null {
  if (neededBytes <= 0) return []
  const least = leastWorthy(idle)
  // Mostly one will do, and hundreds are not sorted for it.
  if (least !== null && least.memoryBytes >= neededBytes) return [least]
  const chosen: Worker[] = []
  let freed = 0
  for (const worker of [...idle].sort((a, b) => a.worth - b.worth)) {
    if (freed >= neededBytes) break
    chosen.push(worker)
    freed += worker.memoryBytes
  }
  return freed >= neededBytes ? withoutNeedless(chosen, freed - neededBytes) : null
}

function leastWorthy<Worker extends Evictable>(idle: readonly Worker[]): Worker | null {
  let least: Worker | null = null
  for (const worker of idle) if (least === null || worker.worth < least.worth) least = worker
  return least
}

/** A large one may make the smaller ones before it needless; the worthiest of those stay. */
function withoutNeedless<Worker extends Evictable>(chosen: Worker[], surplusBytes: number): Worker[] {
  let surplus = surplusBytes
  const needed = chosen.reverse().filter((worker) => {
    if (worker.memoryBytes > surplus) return true
    surplus -= worker.memoryBytes
    return false
  })
  return needed.reverse()
}

const dayMs = 24 * 3600 * 1000

/**
 * How many generic workers to keep ready while there is memory that nobody needs: those that are expected to be taken
 * within a day, of the first, the second and so on (`perMs`; see `GenericDemand`); never fewer than the operator's floor.
 */
export function genericTarget(perMs: number[], floor: number, ceiling: number): number {
  const expected = perMs.filter((rate) => rate * dayMs >= 1).length
  return Math.min(Math.max(floor, expected), ceiling)
}

/** What was so when a call found no warm worker. */
export interface ColdView {
  startKind: StartKind
  /** Other workers of the revision exist or are on their way. */
  hasWorkers: boolean
  /** Why the last one went, when one was there in this process's life. */
  lastLeft: ColdReason | null
  /** The function version ran before this process began. */
  ranBefore: boolean
  /** Generic workers of its shape are kept. */
  keepsGeneric: boolean
}

/**
 * The reason stored with a start that is not warm. A first or further worker is nobody's fault when a generic one was ready;
 * when none was although some are kept, that is the reason.
 */
export function coldReason(view: ColdView): ColdReason {
  const reason = view.hasWorkers ? 'scale_out' : (view.lastLeft ?? (view.ranBefore ? 'restart' : 'first'))
  const couldBePrewarmed = view.startKind === 'cold' && view.keepsGeneric
  return couldBePrewarmed && (reason === 'first' || reason === 'scale_out') ? 'pool_empty' : reason
}

export interface Waiting {
  /** When its oldest call began to wait. */
  since: number
  /** It has no worker, and none on its way. */
  hasNothing: boolean
}

/** Whether a worker that comes free should make room for a revision that has nothing, instead of serving its own. */
export function shouldYield(own: Waiting | null, starved: Waiting): boolean {
  return starved.hasNothing && (own === null || starved.since < own.since)
}

export interface PauseView {
  idleMs: number
  /** After which idle workers are paused. */
  graceMs: number
  /** Calls expected; see `Outlook`. */
  perMs: number
}

/** A pause and a resume cost both time and the engine's work: not for a gap that is hardly longer than the grace. */
const gapOverGrace = 4

/** Whether an idle worker is paused now. */
export function shouldPause({ idleMs, graceMs, perMs }: PauseView): boolean {
  return graceMs > 0 && idleMs >= graceMs && perMs * graceMs * gapOverGrace <= 1
}
