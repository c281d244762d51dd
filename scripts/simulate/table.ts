import { genericFloor } from '../../src/simulator/keep-alives.ts'
import type { Compared } from './compare.ts'

const columns: [title: string, cell: (of: FigureByTrace) => string][] = [
  ['calls', (of) => mean(of('calls')).toFixed(0)],
  ['cold', (of) => mean(of('cold')).toFixed(0)],
  ['of it scale-out', (of) => mean(of('scaleOut')).toFixed(0)],
  ['cold ratio', (of) => `${((100 * mean(of('cold'))) / mean(of('calls'))).toFixed(2)} %`],
  ['prewarmed', (of) => mean(of('prewarmed')).toFixed(0)],
  ['idle MiB', (of) => mean(of('idleMib')).toFixed(0)],
  ['peak', (of) => mean(of('peakIdleMib')).toFixed(0)],
  ['cold ÷ fixed', (of) => ranged(of('coldAtSameMemory'))],
  ['but first calls', (of) => ranged(of('coldAtSameMemoryButFirst'))],
  ['cold, same peak', (of) => ranged(of('coldAtSamePeak'))],
  ['memory ÷ fixed', (of) => ranged(of('memoryAtSameCold'))],
  ['waiting ÷ fixed', (of) => ranged(of('delayAtSameMemory'))],
  ['cold ÷ fixed, generic', (of) => ranged(of('coldBesideGeneric'))],
  ['memory', (of) => ranged(of('memoryBesideGeneric'))],
  ['waiting', (of) => ranged(of('delayBesideGeneric'))],
]

/** A figure of one rule, for each trace. */
type FigureByTrace = (figure: Exclude<keyof Compared, 'rule'>) => number[]

/** The table over several traces: one row for each rule. */
export function tableOf(traces: Compared[][]): string {
  const rules = (traces[0] ?? []).map(({ rule }) => rule)
  const rows = rules.map((rule, at) => {
    const of: FigureByTrace = (figure) => traces.map((trace) => (trace[at] as Compared)[figure])
    return [rule, ...columns.map(([, cell]) => cell(of))]
  })
  const header = ['rule', ...columns.map(([title]) => title)]
  const widths = header.map((title, n) => Math.max(title.length, ...rows.map((row) => (row[n] as string).length)))
  const lines = [header, ...rows].map((row) =>
    row
      .map((cell, n) => cell.padEnd(widths[n] as number))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n\n${explanation}`
}

const explanation = `÷ fixed: beside a fixed time-out that takes the same idle memory on average (the same at its peak; or has as many cold starts); mean (least–most)
of the traces. scale-out: the function's other workers were busy. prewarmed: calls served by a generic worker that was ready; not counted as cold. idle:
generic workers included, also those on their way. waiting: what all calls together waited for workers, new, generic or busy. fixed, generic: a fixed
time-out that also keeps ${genericFloor} generic workers of each runtime; the last three columns are beside that.`

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

function ranged(values: number[]): string {
  const [low, high] = [shown(Math.min(...values)), shown(Math.max(...values))]
  return low === high ? low : `${shown(mean(values))} (${low}–${high})`
}

/** For such large ratios, the baseline's value is an extrapolation. */
const shown = (ratio: number): string => (ratio > 99 ? '> 99' : ratio.toFixed(2))
