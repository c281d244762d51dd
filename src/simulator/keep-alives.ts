import { FunctionStatistics } from '../engine/pool/policy/function-statistics.ts'
import { GenericDemand } from '../engine/pool/policy/generic-demand.ts'
import {
  evictionCost,
  genericTarget,
  genericWorth,
  mayTakeAhead,
  servedByBusy,
} from '../engine/pool/policy/pool-policy.ts'
import type {
  GenericPool,
  GenericRule,
  KeepAlive,
  SimulatedFunction,
  SimulatedWorker,
  World,
} from './keep-alive-policy.ts'

const secondMs = 1000
const minuteMs = 60 * secondMs
const mib = 1024 * 1024
/** Number of generic workers that the service keeps by default. */
export const genericFloor = 2

/**
 * Every idle worker ends after the same time, as in most platforms. `generic`: workers that are always kept ready for each
 * runtime.
 */
export function fixedTtl(ttlMs: number, generic = 0): KeepAlive {
  return {
    budgetBytes: Number.POSITIVE_INFINITY,
    generic: { wantsMore: ({ ready, starting }) => ready.length + starting < generic },
    idle: (_worker, sim) => sim.now + ttlMs,
    look: (worker) => worker.idleSince + ttlMs,
  }
}

/**
 * Shahrad et al. 2020, section 4: a histogram of a function's gaps by minute. A worker is started at the 5th percentile
 * (minus a tenth) and kept until the 99th (plus a tenth). A function with an uninformative histogram (few gaps, an even spread,
 * most out of range) is kept for the whole range.
 */
export function hybridHistogram(rangeMs: number): KeepAlive {
  const bins = Math.ceil(rangeMs / minuteMs)
  const known = new Map<SimulatedFunction, MinuteHistogram>()
  const of = (fn: SimulatedFunction): MinuteHistogram => {
    const found = known.get(fn) ?? new MinuteHistogram(bins)
    known.set(fn, found)
    return found
  }
  return {
    budgetBytes: Number.POSITIVE_INFINITY,
    began(fn, now) {
      if (fn.active === 1) of(fn).note(now)
    },
    ended(fn, now) {
      if (fn.active === 0) of(fn).idleAt = now
    },
    idle(worker, sim) {
      const { warmMs, untilMs } = of(worker.fn).windows()
      if (!worker.hasServed || warmMs === 0) return sim.now + untilMs
      sim.lookAtFunction(worker.fn, sim.now + warmMs)
      return sim.now
    },
    look: (worker) => worker.idleSince + of(worker.fn).windows().untilMs,
    lookFunction(fn, sim) {
      if (fn.workers + fn.starting === 0) sim.warm(fn)
    },
  }
}

class MinuteHistogram {
  idleAt = Number.NaN
  #counts: Uint32Array
  #outside = 0
  #total = 0
  #windows = { warmMs: 0, untilMs: 0 }
  /** Number of gaps when the windows were computed; they are recomputed after some more. */
  #madeWith = -1

  constructor(bins: number) {
    this.#counts = new Uint32Array(bins)
  }

  note(now: number): void {
    const bin = Math.floor((now - this.idleAt) / minuteMs)
    if (Number.isNaN(bin)) return
    if (bin >= this.#counts.length) this.#outside++
    else {
      this.#counts[bin] = (this.#counts[bin] as number) + 1
      this.#total++
    }
  }

  windows(): { warmMs: number; untilMs: number } {
    const gaps = this.#total + this.#outside
    if (gaps > this.#madeWith * 1.02) {
      this.#madeWith = gaps
      this.#windows = this.#isTelling() ? this.#telling() : { warmMs: 0, untilMs: this.#counts.length * minuteMs }
    }
    return this.#windows
  }

  /** The paper's measure: the coefficient of variation of the bins' counts. */
  #isTelling(): boolean {
    const mean = this.#total / this.#counts.length
    const variance = this.#counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / this.#counts.length
    return this.#total >= 3 && Math.sqrt(variance) / mean >= 2 && this.#outside <= this.#total
  }

  #telling(): { warmMs: number; untilMs: number } {
    const head = percentileOf(this.#counts, this.#total, 0.05)
    const tail = percentileOf(this.#counts, this.#total, 0.99)
    return { warmMs: head * minuteMs * 0.9, untilMs: (tail + 1) * minuteMs * 1.1 }
  }
}

function percentileOf(counts: Uint32Array, total: number, share: number): number {
  let seen = 0
  for (const [bin, count] of counts.entries()) {
    seen += count
    if (seen > total * share) return bin
  }
  return counts.length
}

/** Greedy-dual-size-frequency within a budget (A. Fuerst, P. Sharma, FaasCache, ASPLOS 2021). */
export function greedyDual(budgetMib: number): KeepAlive {
  let clock = 0
  const calls = new Map<SimulatedFunction, number>()
  return {
    budgetBytes: budgetMib * mib,
    began(fn) {
      calls.set(fn, (calls.get(fn) ?? 0) + 1)
    },
    idle(worker) {
      worker.worth = clock + ((calls.get(worker.fn) ?? 0) * worker.fn.coldMs) / (worker.memoryBytes / mib)
      return Number.POSITIVE_INFINITY
    },
    evicted(worker) {
      clock = Math.max(clock, worker.worth)
      if (worker.fn.workers === 1) calls.delete(worker.fn)
    },
  }
}

/** The pool's own rule: every decision calls its `policy/`. */
export function learned(budgetMib: number, keepsGeneric = true): KeepAlive {
  const budgetBytes = budgetMib * mib
  const habits = new Map<SimulatedFunction, FunctionStatistics<SimulatedFunction>>()
  const of = (fn: SimulatedFunction): FunctionStatistics<SimulatedFunction> => {
    let own = habits.get(fn)
    if (own === undefined) {
      own = new FunctionStatistics(fn)
      habits.set(fn, own)
    }
    return own
  }
  const appraise = (idle: readonly SimulatedWorker[], now: number): void => {
    for (const worker of idle) {
      if (worker.worthUntil > now) continue
      const { free } = worker.fn
      const own = of(worker.fn)
      const outlook = own.outlookOfIdle(free.length - free.indexOf(worker), now)
      worker.worth = own.worthOf(outlook)
      worker.worthUntil = now + Math.min(outlook.holdsMs, Math.max(secondMs, (now - worker.idleSince) * 0.1))
    }
  }
  const lookAhead = (fn: SimulatedFunction, sim: World): void => {
    if (fn.active > 0 || fn.workers + fn.starting > 0) return
    const pauseMs = of(fn).pauseBeforeWarming(sim.now, () => priceOf(fn.memoryBytes, sim))
    if (pauseMs === null) sim.warm(fn)
    else sim.lookAtFunction(fn, sim.now + pauseMs)
  }
  const rule: KeepAlive = {
    budgetBytes,
    began: (fn, now) => of(fn).arrivals.began(now),
    started: (fn, tookMs) => of(fn).noteCold(tookMs),
    ended(fn, now) {
      of(fn).arrivals.ended(now)
    },
    idle: () => Number.POSITIVE_INFINITY,
    appraise,
    evicted: ({ fn }, sim) => sim.lookAtFunction(fn, sim.now + secondMs),
    lookFunction: lookAhead,
    starts(fn, sim) {
      const waitedMs = sim.waitedMs(fn)
      const running = fn.active - fn.waiting.length
      const served = servedByBusy({ running, runMs: fn.meanRunMs, startMs: sim.startMs(fn), waitedMs })
      return Math.ceil(Math.max(0, fn.waiting.length - served) / fn.concurrency) - fn.starting
    },
  }
  return keepsGeneric ? { ...rule, generic: learnedGeneric(budgetBytes) } : rule
}

function learnedGeneric(budgetBytes: number): GenericRule {
  const demands = new Map<GenericPool, GenericDemand>()
  const of = (pool: GenericPool): GenericDemand => {
    let own = demands.get(pool)
    if (own === undefined) {
      own = new GenericDemand()
      demands.set(pool, own)
    }
    return own
  }
  return {
    taken: (pool, now) => of(pool).note(now, pool.runtime.startMs),
    wantsMore(pool, sim) {
      const { startMs, memoryBytes } = pool.runtime
      const perMs = of(pool).perMs(sim.now)
      const have = pool.ready.length + pool.starting
      if (have >= genericTarget(perMs, genericFloor, budgetBytes, memoryBytes)) return false
      const gain = { worth: genericWorth(perMs, have, startMs, memoryBytes), savedMs: startMs }
      return mayTakeAhead(memoryBytes, sim.freeBytes, gain, () => priceOf(memoryBytes, sim))
    },
    appraise(pool, now) {
      const { ready, starting, runtime } = pool
      const perMs = of(pool).perMs(now)
      for (const [at, worker] of ready.entries()) {
        worker.worth = genericWorth(perMs, starting + at, runtime.startMs, runtime.memoryBytes)
      }
    },
  }
}

const priceOf = (bytes: number, sim: World): number => evictionCost(bytes, sim.freeBytes, () => sim.spare())
