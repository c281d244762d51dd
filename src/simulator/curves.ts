import { fixedTtl, genericFloor, greedyDual, hybridHistogram, learned } from './keep-alives.ts'
import { type Policy, type PolicyFigures, simulated, timeText } from './policies.ts'
import type { Trace } from './trace.ts'

/** Policies for keeping workers, each with several sizes: the benefit of more memory under each. */

/** A policy with one size: a point of its curve. */
export interface CurvePoint extends PolicyFigures {
  /** The size in words, such as `512 MiB` or `10 min`. */
  size: string
}

interface Family {
  name: string
  sizes: { size: string; policy: Policy }[]
}

const minuteMs = 60_000
const leastBudgetMib = 64
/** Sizes as shares of the installation's memory budget. */
const budgetShares = [0.125, 0.25, 0.5, 1, 2]
const keepSeconds = [30, 120, 600, 1800, 3600]
const histogramMinutes = [30, 60, 240]

export const curveNames = [
  'learned (this server)',
  'learned, none generic',
  'greedy-dual',
  'fixed time',
  `fixed time, ${genericFloor} generic`,
  'histogram',
] as const

/** Number of points of all curves. */
export const curveSize = (ownMib: number): number => families(ownMib).reduce((sum, { sizes }) => sum + sizes.length, 0)

/** Yields one point at a time, because each replays the whole trace. */
export function* curves(trace: Trace, ownMib: number): Generator<CurvePoint> {
  for (const { sizes } of families(ownMib)) {
    for (const { size, policy } of sizes) yield { ...simulated(policy, trace), size }
  }
}

function families(ownMib: number): Family[] {
  const [own, noneGeneric, greedy, fixed, fixedGeneric, histogram] = curveNames
  return [
    byBudget(own, ownMib, (mib) => learned(mib)),
    byBudget(noneGeneric, ownMib, (mib) => learned(mib, false)),
    byBudget(greedy, ownMib, greedyDual),
    byTime(fixed, (ms) => fixedTtl(ms)),
    byTime(fixedGeneric, (ms) => fixedTtl(ms, genericFloor)),
    {
      name: histogram,
      sizes: histogramMinutes.map((minutes) => ({
        size: timeText(minutes * 60),
        policy: { name: histogram, budgetMib: null, rule: () => hybridHistogram(minutes * minuteMs) },
      })),
    },
  ]
}

function byBudget(name: string, ownMib: number, rule: (mib: number) => ReturnType<Policy['rule']>): Family {
  const budgets = new Set(budgetShares.map((share) => Math.max(leastBudgetMib, Math.round(ownMib * share))))
  return {
    name,
    sizes: [...budgets].map((mib) => ({
      size: `${mib} MiB`,
      policy: { name, budgetMib: mib, rule: () => rule(mib) },
    })),
  }
}

const byTime = (name: string, rule: (ms: number) => ReturnType<Policy['rule']>): Family => ({
  name,
  sizes: keepSeconds.map((seconds) => ({
    size: timeText(seconds),
    policy: { name, budgetMib: null, rule: () => rule(seconds * 1000) },
  })),
})
