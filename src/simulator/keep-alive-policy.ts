import type { Evictable } from '../engine/pool/policy/pool-policy.ts'
import type { TracedFunction, TracedRuntime } from './trace.ts'

/** A rule's decisions, and its view of the simulation. */

export interface SimulatedWorker extends Evictable {
  fn: SimulatedFunction
  /** Number of calls that it runs. */
  running: number
  idleSince: number
  /** Index among the idle workers; -1: busy or gone. */
  place: number
  isGone: boolean
  /** When to ask the rule about it again, if it is idle. */
  lookAt: number
  worthUntil: number
  hasServed: boolean
}

/** A worker that belongs to no function yet. */
export interface SimulatedGeneric extends Evictable {
  pool: GenericPool
}

/** The generic workers of a runtime. */
export interface GenericPool {
  runtime: TracedRuntime
  /** The one with the most worth first. */
  ready: SimulatedGeneric[]
  starting: number
}

export interface SimulatedFunction extends TracedFunction {
  index: number
  /** Workers with room for a call, the one used last on top. */
  free: SimulatedWorker[]
  workers: number
  starting: number
  /** Number of running or waiting calls. */
  active: number
  /** Indexes in the trace of the waiting calls. */
  waiting: number[]
  calls: number
  lookAt: number
  meanRunMs: number
}

/** A rule's view of the simulation, and its actions. */
export interface World {
  readonly now: number
  readonly freeBytes: number
  /** All workers that may be evicted, with their current worth. */
  spare(): Evictable[]
  /** Expected time until a new worker is ready. */
  startMs(fn: SimulatedFunction): number
  /** How long the first waiting call has waited. */
  waitedMs(fn: SimulatedFunction): number
  /** Starts a worker for which no call waits. */
  warm(fn: SimulatedFunction): void
  /** Schedules a call of `lookFunction` for the function. */
  lookAtFunction(fn: SimulatedFunction, at: number): void
}

/** A rule for keeping workers. Times are ms of the trace. */
export interface KeepAlive {
  /** Memory limit of all workers; infinite: the rule ends workers itself. */
  budgetBytes: number
  began?(fn: SimulatedFunction, now: number): void
  /** A worker was started for a call, which had waited `tookMs`. */
  started?(fn: SimulatedFunction, tookMs: number): void
  ended?(fn: SimulatedFunction, now: number): void
  /** A worker became idle. Returns when to call `look`; infinite: never. */
  idle?(worker: SimulatedWorker, world: World): number
  /** The worker is still idle. Returns when to look again; a time not in the future ends it. */
  look?(worker: SimulatedWorker, world: World): number
  /** Sets the worth of every idle worker before an eviction. */
  appraise?(idle: readonly SimulatedWorker[], now: number): void
  evicted?(worker: SimulatedWorker, world: World): void
  /** The time set with `lookAtFunction` has come. */
  lookFunction?(fn: SimulatedFunction, world: World): void
  /** Number of workers to start for waiting calls; default: one for each. */
  starts?(fn: SimulatedFunction, world: World): number
  /** Absent: no generic workers. */
  generic?: GenericRule
}

export interface GenericRule {
  /** A call took a generic worker, or would have taken a ready one. */
  taken?(pool: GenericPool, now: number): void
  /** Whether one more should be started, in addition to ready and starting ones. */
  wantsMore(pool: GenericPool, world: World): boolean
  /** Sets the worth of every ready worker before an eviction. */
  appraise?(pool: GenericPool, now: number): void
}
