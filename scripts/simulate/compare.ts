import type { Figures } from '../../src/simulator/figures.ts'
import type { KeepAlive } from '../../src/simulator/keep-alive-policy.ts'
import { fixedTtl, genericFloor, greedyDual, hybridHistogram, learned } from '../../src/simulator/keep-alives.ts'
import { Simulation } from '../../src/simulator/simulation.ts'
import type { Trace } from '../../src/simulator/trace.ts'

/** A rule on a trace, compared with the fixed 10 minutes. */
export interface Compared extends Figures {
  rule: string
  /** Cold starts ÷ those of a fixed time with the same memory (mean, idle). */
  coldAtSameMemory: number
  /** The same without the first call of each function, which no rule can predict. */
  coldAtSameMemoryButFirst: number
  /** Cold starts ÷ those of a fixed time with the same peak memory: what a host must have. */
  coldAtSamePeak: number
  /** Cold starts ÷ those of a fixed time with the same memory that also keeps a constant number of generic workers. */
  coldBesideGeneric: number
  /** Time that calls waited for workers, new or busy, ÷ that of a fixed time with the same memory. */
  delayAtSameMemory: number
  /** The same compared with a fixed time with generic workers. */
  delayBesideGeneric: number
  /** Idle memory ÷ that of a fixed time with the same number of cold starts. */
  memoryAtSameCold: number
  /** The same compared with a fixed time with generic workers. */
  memoryBesideGeneric: number
}

const secondMs = 1000
const minuteMs = 60 * secondMs
const ttlsMs = [0.5, 1, 2, 4, 10, 20, 45, 120].map((minutes) => minutes * minuteMs)
/** Idle memory of the tried budgets ÷ that of the fixed 10 minutes. */
const shares = [0.5, 0.7, 0.85, 1]
const sharesWithGeneric = [0.2, 0.5, 1]

/** Runs all rules on the trace; rules with a budget get one that results in as much idle memory as 10 minutes. */
export function compare(trace: Trace, say: (text: string) => void): Compared[] {
  const run = (name: string, rule: KeepAlive): Figures => {
    say(name)
    return new Simulation(trace, rule).run()
  }
  const ttls = ttlsMs.map((ms) => run(`fixed ${ms / secondMs} s`, fixedTtl(ms)))
  const withGeneric = ttlsMs.map((ms) => run(`fixed ${ms / secondMs} s, generic`, fixedTtl(ms, genericFloor)))
  const atTen = ttlsMs.indexOf(10 * minuteMs)
  const ten = ttls[atTen] as Figures
  const beside = (rule: string, figures: Figures, tried: Figures[] = [figures]): Compared => {
    const butFirst = (all: Figures[]) => all.map((each) => ({ ...each, cold: each.cold - each.first }))
    const [own] = butFirst([figures]) as [Figures]
    const memoryBeside = (curve: Figures[]) => {
      const { cold, idleMib } = curve[atTen] as Figures
      return tried.length > 1
        ? at(tried, 'idleMib', cold, 'cold') / idleMib
        : figures.idleMib / at(curve, 'idleMib', figures.cold, 'cold')
    }
    return {
      rule,
      ...figures,
      coldAtSameMemory: over(figures.cold, at(ttls, 'cold', figures.idleMib)),
      coldAtSameMemoryButFirst: over(own.cold, at(butFirst(ttls), 'cold', figures.idleMib)),
      coldAtSamePeak: over(figures.cold, at(ttls, 'cold', figures.peakIdleMib, 'peakIdleMib')),
      coldBesideGeneric: over(figures.cold, at(withGeneric, 'cold', figures.idleMib)),
      delayAtSameMemory: over(figures.delayMs, at(ttls, 'delayMs', figures.idleMib)),
      delayBesideGeneric: over(figures.delayMs, at(withGeneric, 'delayMs', figures.idleMib)),
      memoryAtSameCold: memoryBeside(ttls),
      memoryBesideGeneric: memoryBeside(withGeneric),
    }
  }
  const budgeted = (name: string, make: (budgetMib: number) => KeepAlive, tried = shares): Compared => {
    const all = tried.map((share) => run(`${name}, ${share}`, make(ten.busyMib + ten.idleMib * share)))
    return beside(name, all[all.length - 1] as Figures, all)
  }
  return [
    beside('fixed 10 min', ten),
    beside('fixed 30 s', ttls[0] as Figures),
    beside('hybrid histogram, 4 h', run('hybrid', hybridHistogram(240 * minuteMs))),
    budgeted('greedy-dual', greedyDual),
    beside('fixed 10 min, generic', withGeneric[atTen] as Figures),
    budgeted('learned, none generic', (mib) => learned(mib, false)),
    budgeted('learned (ours)', learned, sharesWithGeneric),
  ]
}

/** Ratio of two counts; 1 where both are 0. */
const over = (own: number, base: number): number => (own === base || base < 0.5 ? 1 : own / base)

/** The value of a figure where another one is `x`. */
const at = (curve: Figures[], figure: keyof Figures, x: number, of: keyof Figures = 'idleMib'): number =>
  between(
    curve.map((point) => [point[of], point[figure]]),
    x,
  )

/** Interpolates between the points on logarithmic axes; extrapolates with the last segment. */
function between(points: [x: number, y: number][], x: number): number {
  const sorted = points.map(([px, py]) => [Math.log(Math.max(px, 1e-9)), Math.log(Math.max(py, 1e-9))] as const)
  sorted.sort((a, b) => a[0] - b[0])
  const wanted = Math.log(Math.max(x, 1e-9))
  const above = sorted.findIndex(([px]) => px >= wanted)
  const end = Math.max(1, above < 0 ? sorted.length - 1 : above)
  const [x1, y1] = sorted[end - 1] as readonly [number, number]
  const [x2, y2] = sorted[end] as readonly [number, number]
  return Math.exp(x2 === x1 ? y2 : y1 + ((wanted - x1) * (y2 - y1)) / (x2 - x1))
}
