import type { Evictable } from '../engine/pool/policy/pool-policy.ts'
import type { TracedFunction, TracedRuntime } from './trace.ts'

/** What a rule decides, and what it sees of the simulation. */

export interface SimulatedWorker extends Evictable {
  fn: SimulatedFunction
  /** Calls that it runs. */
  running: number
  idleSince: number
  /** Place among the idle ones; -1: busy or gone. */
  place: number
  isGone: boolean
  /** The rule is asked about it again then, if it is idle. */
  lookAt: number
  worthUntil: number
  hasServed: boolean
}

/** Belongs to no function yet. */
export interface SimulatedGeneric extends Evictable {
  pool: GenericPool
}

/** The generic workers of a runtime. */
export interface GenericPool {
  runtime: TracedRuntime
  /** The worthiest first. */
  ready: SimulatedGeneric[]
  starting: number
}

export interface SimulatedFunction extends TracedFunction {
  index: number
  /** With room for a call, the one used last on top. */
  free: SimulatedWorker[]
  workers: number
  starting: number
  /** Calls under way or waiting. */
  active: number
  /** Places in the trace of the calls that wait. */
  waiting: number[]
  calls: number
  lookAt: number
  meanRunMs: number
}

/** What a rule sees of the simulation, and what it may ask of it. */
export interface World {
  readonly now: number
  readonly freeBytes: number
  /** All that may go, with what it is worth now. */
  spare(): Evictable[]
  /** Until a worker that is decided on now is there. */
  startMs(fn: SimulatedFunction): number
  /** How long the call at the head of the line has waited. */
  waitedMs(fn: SimulatedFunction): number
  /** Starts a worker that nobody waits for. */
  warm(fn: SimulatedFunction): void
  /** Asks the rule about the function at that time; see `lookFunction`. */
  lookAtFunction(fn: SimulatedFunction, at: number): void
}

/** A rule. Times are ms of the trace. */
export interface KeepAlive {
  /** Bytes of all workers; infinite: the rule says itself what goes. */
  budgetBytes: number
  began?(fn: SimulatedFunction, now: number): void
  /** A worker came for a call, which had waited `tookMs`. */
  started?(fn: SimulatedFunction, tookMs: number): void
  ended?(fn: SimulatedFunction, now: number): void
  /** A worker is idle now. Returns when to look at it again; infinite: never. */
  idle?(worker: SimulatedWorker, world: World): number
  /** It is still idle at that time. Returns when to look again; now or before: it goes. */
  look?(worker: SimulatedWorker, world: World): number
  /** What is to be known of every idle worker before some are evicted. */
  appraise?(idle: readonly SimulatedWorker[], now: number): void
  evicted?(worker: SimulatedWorker, world: World): void
  /** The time asked for with `lookAtFunction` has come. */
  lookFunction?(fn: SimulatedFunction, world: World): void
  /** Workers to start for calls that wait; default: one for each. */
  starts?(fn: SimulatedFunction, world: World): number
  /** Absent: no generic workers are kept. */
  generic?: GenericRule
}

export interface GenericRule {
  /** One was taken for a call, or would have been if it had been ready. */
  taken?(pool: GenericPool, now: number): void
  /** Whether there should be one more than are ready or on their way. */
  wantsMore(pool: GenericPool, world: World): boolean
  /** What is to be known of every ready one before some are evicted. */
  appraise?(pool: GenericPool, now: number): void
}
