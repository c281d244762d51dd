import type { ColdReason, StartKind } from '../../../domain/start-kind.ts'

/**
 * The pool's decisions as plain functions from values to values: no container, no clock, no state. The pool asks and acts.
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

/** Whether work ahead gets its memory: what is free, or what is worth clearly less in other hands. */
export function mayTakeAhead(
  bytes: number,
  freeBytes: number,
  gain: { worth: number; savedMs: number },
  price: () => number,
): boolean {
  if (bytes <= freeBytes) return true
  // Most often there is nothing to gain, and what others are worth is not asked.
  return gain.worth > 0 && isWorthWarming({ probability: 1, ...gain, price: price() })
}

/** The worth per byte of the workers that would be evicted for `bytes`; 0 while there is room. */
export function priceOfRoom(bytes: number, freeBytes: number, candidates: () => readonly Evictable[]): number {
  if (bytes <= freeBytes) return 0
  const chosen = chooseEvictions(bytes - freeBytes, candidates())
  if (chosen === null) return Number.POSITIVE_INFINITY
  return chosen.reduce((sum, { worth, memoryBytes }) => sum + worth * memoryBytes, 0) / bytes
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
/** Share of all memory that generic workers of one shape may take. */
const genericShare = 0.5

/**
 * How many generic workers to keep ready while there is memory that nobody needs: the n-th is kept when it is expected to
 * be taken within a day (`perMs[n]`; see `GenericDemand`). Never fewer than the operator's floor.
 */
export function genericTarget(perMs: number[], floor: number, limitBytes: number, memoryBytes: number): number {
  const expected = perMs.filter((rate) => rate * dayMs >= 1).length
  return Math.min(Math.max(floor, expected), Math.floor((limitBytes * genericShare) / memoryBytes))
}

/** The worth of one more generic worker beside `beside` others. */
export function genericWorth(perMs: number[], beside: number, startMs: number, memoryBytes: number): number {
  return worthKeeping(perMs[beside] ?? 0, startMs, memoryBytes)
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

/** Somebody who found no memory. */
export interface Waiting {
  /** When its oldest call began to wait. */
  since: number
  /** A call waits, and there is no worker for it, nor one on its way. */
  hasNothing: boolean
  /** What workers of its project hold. */
  heldBytes: number
}

/** Whose turn for memory is earlier: who has nothing, then whose project holds less, then who waits longer. */
export function comesBefore(a: Waiting, b: Waiting): boolean {
  if (a.hasNothing !== b.hasNothing) return a.hasNothing
  if (a.heldBytes !== b.heldBytes) return a.heldBytes < b.heldBytes
  return a.since < b.since
}

/** Whether a worker that comes free should make room for a revision that has nothing, instead of serving its own. */
export function shouldYield(own: Waiting | null, starved: Waiting): boolean {
  return starved.hasNothing && (own === null || comesBefore(starved, { ...own, hasNothing: true }))
}

/** Shares of all memory that kept workers (`min_workers`) may hold when others need it: those of one project, and all together. */
const protectedShareOfProject = 0.5
const protectedShare = 0.75

export interface Pinned {
  projectId: string
  minWorkers: number
  memoryBytes: number
}

/** How many workers of each stay whatever others need: as many as it wants, dealt one by one until the shares are used up. */
export function protectedWorkers(pinned: readonly Pinned[], limitBytes: number): number[] {
  const kept = pinned.map(() => 0)
  const heldBy = new Map<string, number>()
  let held = 0
  const deal = (at: number, { projectId, minWorkers, memoryBytes }: Pinned): boolean => {
    const own = (heldBy.get(projectId) ?? 0) + memoryBytes
    const isWithin = own <= limitBytes * protectedShareOfProject && held + memoryBytes <= limitBytes * protectedShare
    if ((kept[at] as number) >= minWorkers || !isWithin) return false
    kept[at] = (kept[at] as number) + 1
    heldBy.set(projectId, own)
    held += memoryBytes
    return true
  }
  while (pinned.map((each, at) => deal(at, each)).includes(true));
  return kept
}

/** Tries in a row that failed; the pauses before the next one. Without calls that wait it is tried ever more rarely. */
const callPauseMs = 200
const longestCallPauseMs = 5000
const longestPauseMs = 60_000

export function retryPauseMs(failures: number, forCalls: boolean): number {
  return forCalls
    ? Math.min(longestCallPauseMs, callPauseMs * failures)
    : Math.min(longestPauseMs, callPauseMs * 2 ** failures)
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
