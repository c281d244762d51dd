import type { ColdReason, StartKind } from '../../../domain/runs/start-kind.ts'

/** The pool's decisions as plain functions from values to values: no container, no clock, no state. The pool asks and acts. */

export interface GroupView {
  /** Calls that wait for a worker of this revision. */
  waiting: number
  /** Workers bound to it, busy or idle. */
  workers: number
  /** Workers that are being bound or started for it. */
  provisioning: number
  concurrency: number
  minWorkers: number
  maxWorkers: number | null
}

export interface BusyView {
  /** Calls that its workers run. */
  running: number
  /** Mean run time of a call; 0: unknown. */
  runMs: number
  /** Expected time until a worker that is started now can serve. */
  startMs: number
  /** How long the first waiting call has waited. */
  waitedMs: number
}

/** Run times vary: only this share of the calls that should end in time is counted. */
const sureShare = 0.5

/**
 * Number of waiting calls that busy workers will serve before a new worker could. Regardless of the prediction, a call that has
 * waited as long as a start takes gets a start.
 */
export function servedByBusy({ running, runMs, startMs, waitedMs }: BusyView): number {
  if (runMs === 0 || waitedMs >= startMs) return 0
  return Math.floor((sureShare * running * startMs) / runMs)
}

/** Number of further workers of a revision to provide now. */
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
  /** Where it is; absent: there is only one machine. */
  machine?: string | undefined
  /** See `retentionValue`. */
  worth: number
}

/** What keeping an idle worker is worth: ms of cold starts saved, per second and MiB. `perMs`: calls saved; see `Forecast`. */
export function retentionValue(perMs: number, coldMs: number, memoryBytes: number): number {
  return (perMs * 1000 * coldMs) / (memoryBytes / 1048576)
}

export interface AheadView {
  /** Probability of the call for which the worker would be started. */
  probability: number
  /** Time that the start ahead saves this call. */
  savedMs: number
  /** See `retentionValue`. */
  worth: number
  /** Worth of the workers that would be evicted; 0 while there is room. */
  price: number
}

/** Minimum probability of the call: a start costs something too. */
const likelyEnough = 0.7
const leastSavedMs = 100
const gainOverPrice = 1.3

/** Whether to start a worker before anybody calls. */
export function isWorthWarming({ probability, savedMs, worth, price }: AheadView): boolean {
  return probability >= likelyEnough && savedMs >= leastSavedMs && worth > price * gainOverPrice
}

/** Whether work ahead gets memory: free memory, or memory of workers with clearly less worth. */
export function mayTakeAhead(
  bytes: number,
  freeBytes: number,
  gain: { worth: number; savedMs: number },
  price: () => number,
): boolean {
  if (bytes <= freeBytes) return true
  // In most cases there is nothing to gain, and the price is not computed.
  return gain.worth > 0 && isWorthWarming({ probability: 1, ...gain, price: price() })
}

/** The worth per byte of the workers that would be evicted for `bytes`; 0 while there is room. */
export function evictionCost(bytes: number, freeBytes: number, candidates: () => readonly Evictable[]): number {
  if (bytes <= freeBytes) return 0
  const chosen = chooseEvictions(bytes - freeBytes, candidates())
  if (chosen === null) return Number.POSITIVE_INFINITY
  return chosen.reduce((sum, { worth, memoryBytes }) => sum + worth * memoryBytes, 0) / bytes
}

/**
 * The idle workers of least worth that together make enough room, without a needless one; null when all of them are not enough.
 */
export function chooseEvictions<Worker extends Evictable>(
  neededBytes: number,
  idle: readonly Worker[],
): Worker[] | null {
  if (neededBytes <= 0) return []
  const least = leastWorthy(idle)
  // Mostly one worker suffices, which saves sorting hundreds.
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

/** A large worker may make smaller ones before it needless; the most worthy of those stay. */
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
/** Share of all memory that the generic workers of one shape may take. */
const genericShare = 0.5

/**
 * Number of generic workers to keep ready in free memory: the n-th is kept when it is expected to be taken within a day
 * (`perMs[n]`; see `GenericDemand`). The result is never below the operator's floor.
 */
export function genericTarget(perMs: number[], floor: number, limitBytes: number, memoryBytes: number): number {
  const expected = perMs.filter((rate) => rate * dayMs >= 1).length
  return Math.min(Math.max(floor, expected), Math.floor((limitBytes * genericShare) / memoryBytes))
}

/** The worth of one more generic worker in addition to `beside` others. */
export function genericWorth(perMs: number[], beside: number, startMs: number, memoryBytes: number): number {
  return retentionValue(perMs[beside] ?? 0, startMs, memoryBytes)
}

/** The situation when a call found no warm worker. */
export interface ColdView {
  startKind: StartKind
  /** True when other workers of the revision exist or are starting. */
  hasWorkers: boolean
  /** Why the last worker ended, when one existed in this process. */
  lastLeft: ColdReason | null
  /** True when the function version ran before this process began. */
  ranBefore: boolean
  /** True when generic workers of its shape are kept. */
  keepsGeneric: boolean
}

/**
 * The reason that is stored with a start that is not warm. When generic workers are kept but none was ready, that is the reason;
 * else a first or further worker is nobody's fault.
 */
export function coldReason(view: ColdView): ColdReason {
  const reason = view.hasWorkers ? 'scale_out' : (view.lastLeft ?? (view.ranBefore ? 'restart' : 'first'))
  const couldBePrewarmed = view.startKind === 'cold' && view.keepsGeneric
  return couldBePrewarmed && (reason === 'first' || reason === 'scale_out') ? 'pool_empty' : reason
}

/** An entry of the memory queue, for comparison. */
export interface QueueEntry {
  /** When its oldest call began to wait. */
  since: number
  /** True when a call waits and no worker exists or is starting. */
  hasNothing: boolean
  /** Memory that the workers of its project hold. */
  heldBytes: number
}

/** Order of the memory queue: entries without any worker first, then the project that holds less memory, then the longer wait. */
export function comesBefore(a: QueueEntry, b: QueueEntry): boolean {
  if (a.hasNothing !== b.hasNothing) return a.hasNothing
  if (a.heldBytes !== b.heldBytes) return a.heldBytes < b.heldBytes
  return a.since < b.since
}

/** Whether a worker that comes free should be evicted for a revision without any worker, instead of serving its own calls. */
export function shouldYield(own: QueueEntry | null, starved: QueueEntry): boolean {
  return starved.hasNothing && (own === null || comesBefore(starved, { ...own, hasNothing: true }))
}

/**
 * Shares of all memory that protected workers (`min_workers`) may hold when others need it: those of one project, and all
 * together.
 */
const protectedShareOfProject = 0.5
const protectedShare = 0.75

export interface Pinned {
  projectId: string
  minWorkers: number
  memoryBytes: number
}

/** Number of protected workers of each entry: as many as it wants, dealt one by one until the shares are used up. */
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

/** Pauses after consecutive failures. Without waiting calls the pause grows. */
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
  /** Idle time after which workers are paused. */
  graceMs: number
  /** Expected calls per ms; see `Forecast`. */
  perMs: number
}

/** A pause and a resume cost time and work of the engine: the expected gap must be this many times the grace. */
const gapOverGrace = 4

/** Whether to pause an idle worker now. */
export function shouldPause({ idleMs, graceMs, perMs }: PauseView): boolean {
  return graceMs > 0 && idleMs >= graceMs && perMs * graceMs * gapOverGrace <= 1
}
