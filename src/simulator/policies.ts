import type { KeepAlive } from './keep-alive-policy.ts'
import { fixedTtl, genericFloor, greedyDual, hybridHistogram, learned } from './keep-alives.ts'
import { Simulation } from './simulation.ts'
import type { Trace } from './trace.ts'

/** Compares policies for keeping workers on one trace: memory use against waiting time. */

export interface PolicyOptions {
  /** Memory budgets of all workers, in MiB; the first is the installation's. */
  budgetsMib: number[]
  /** Idle times in seconds after which a worker ends. */
  keepSeconds: number[]
}

export interface PolicyFigures {
  policy: string
  /** Null: unlimited. */
  budgetMib: number | null
  calls: number
  cold: number
  prewarmed: number
  /** Total time that calls waited for workers: new, generic or busy. */
  waitedMs: number
  /** Mean over time, and peak. */
  idleMib: number
  peakIdleMib: number
  busyMib: number
}

/** A policy with one size. */
export interface Policy {
  name: string
  budgetMib: number | null
  /** A new rule for each run, because rules learn. */
  rule(): KeepAlive
}

const minuteMs = 60_000
const histogramMs = 240 * minuteMs

function policiesOf({ budgetsMib, keepSeconds }: PolicyOptions): Policy[] {
  const [ownMib = 0] = budgetsMib
  return [
    ...budgetsMib.map((mib) => ({ name: 'learned (this server)', budgetMib: mib, rule: () => learned(mib) })),
    { name: 'learned, none generic', budgetMib: ownMib, rule: () => learned(ownMib, false) },
    { name: 'greedy-dual', budgetMib: ownMib, rule: () => greedyDual(ownMib) },
    ...keepSeconds.flatMap((seconds) => [
      { name: `fixed ${timeText(seconds)}`, budgetMib: null, rule: () => fixedTtl(seconds * 1000) },
      {
        name: `fixed ${timeText(seconds)}, ${genericFloor} generic`,
        budgetMib: null,
        rule: () => fixedTtl(seconds * 1000, genericFloor),
      },
    ]),
    { name: 'histogram, 4 h', budgetMib: null, rule: () => hybridHistogram(histogramMs) },
  ]
}

export function timeText(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`
}

/** `onPolicy` is called before each policy. */
export function comparePolicies(
  trace: Trace,
  options: PolicyOptions,
  onPolicy: (name: string) => void = () => {},
): PolicyFigures[] {
  return policiesOf(options).map((policy) => {
    onPolicy(policy.name)
    return simulated(policy, trace)
  })
}

export function simulated({ name, budgetMib, rule }: Policy, trace: Trace): PolicyFigures {
  const { calls, cold, prewarmed, delayMs, idleMib, peakIdleMib, busyMib } = new Simulation(trace, rule()).run()
  return { policy: name, budgetMib, calls, cold, prewarmed, waitedMs: delayMs, idleMib, peakIdleMib, busyMib }
}
