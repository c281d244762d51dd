import type { WorkerHistoryRow } from '../../client/resources/workers.ts'
import { sizeText } from '../../domain/platform/data-facts.ts'
import type { Output } from '../terminal/output.ts'

const bars = '▁▂▃▄▅▆▇█'
/** Characters of a line of bars. */
const mostBars = 60

/** One bar a value, or the highest of several where there are many; `most` is the highest bar. */
export function sparkline(values: number[], most: number): string {
  const each = Math.max(1, Math.ceil(values.length / mostBars))
  const highest = Array.from({ length: Math.ceil(values.length / each) }, (_, at) =>
    Math.max(...values.slice(at * each, (at + 1) * each)),
  )
  const barOf = (value: number) => Math.round((Math.min(value, most) / most) * (bars.length - 1))
  return highest.map((value) => (most > 0 ? bars[barOf(value)] : bars[0])).join('')
}

/** Memory and starts of the last minutes for people, each line with what its bars mean. */
export function showHistory(out: Output, history: WorkerHistoryRow): void {
  const { budget, reserved, states, functions, starts, times, every_seconds } = history
  const minutes = Math.round(((times.length - 1) * every_seconds) / 60)
  out.line(
    out.style('dim', `The last ${minutes === 1 ? 'minute' : `${minutes} minutes`}; memory of ${sizeText(budget)}.`),
  )
  const memory = (values: number[]) => `${sparkline(values, budget)}  ${sizeText(values.at(-1) ?? 0)}`
  out.fields([
    ['all', memory(reserved)],
    ...Object.entries(states)
      .filter(hasAny)
      .map(([name, of]): Field => [name, memory(of)]),
  ])
  if (functions.length > 0) out.line(`\n${out.style('dim', 'Memory of functions; the highest bar is the maximum.')}`)
  out.fields(
    functions.map(({ function_name, function_id, memory: of }): Field => [function_name ?? function_id, ownMost(of)]),
  )
  out.line(`\n${out.style('dim', 'Starts of calls; the highest bar is the maximum.')}`)
  out.fields(Object.entries(starts).map(([kind, of]): Field => [kind, `${sparkline(of, Math.max(...of))}  ${sum(of)}`]))
}

type Field = [name: string, value: string]

const hasAny = ([, values]: [string, number[]]): boolean => values.some((value) => value > 0)
const ownMost = (values: number[]): string =>
  `${sparkline(values, Math.max(...values))}  ${sizeText(values.at(-1) ?? 0)}`
const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
