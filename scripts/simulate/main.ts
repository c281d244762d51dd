import { parseArgs } from 'node:util'
import { type Compared, compare } from './compare.ts'
import { generate, mixes } from './generate.ts'
import { history } from './history.ts'
import type { Trace } from './trace.ts'

/**
 * How many cold starts the pool's rule for keeping workers saves, beside other rules, on made-up traces or your own
 * history: `npm run simulate`, `npm run simulate -- --ledger data/ledger.db`.
 */

const { values } = parseArgs({
  options: {
    ledger: { type: 'string' },
    'memory-mb': { type: 'string', default: '128' },
    functions: { type: 'string', default: '300' },
    days: { type: 'string', default: '7' },
    seeds: { type: 'string', default: '1,2,3' },
    mix: { type: 'string', default: 'published' },
    json: { type: 'boolean', default: false },
  },
})

const traces: (() => Trace)[] =
  values.ledger !== undefined
    ? [() => history(values.ledger as string, Number(values['memory-mb']) * 1024 * 1024)]
    : values.seeds.split(',').map((seed) => () => made(Number(seed)))

function made(seed: number): Trace {
  const mix = mixes[values.mix]
  if (mix === undefined) throw new Error(`There is no mix ${values.mix}; there are: ${Object.keys(mixes).join(', ')}.`)
  const { functions, days } = values
  return generate({ functions: Number(functions), days: Number(days), seed, mix, hottestPerMinute: 6 })
}

const say = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

const results = traces.map((trace, n) =>
  compare(trace(), (text) => say(`trace ${n + 1} of ${traces.length}: ${text} `)),
)
say('')
if (values.json) console.log(JSON.stringify({ options: values, results }, null, 1))
else printTable(results)

function printTable(all: Compared[][]): void {
  const header = [
    'rule',
    'calls',
    'cold',
    'of which scale-out',
    'cold ratio',
    'idle MiB',
    'peak',
    'cold ÷ fixed',
    'but first',
    'memory ÷ fixed',
  ]
  const rules = (all[0] as Compared[]).map(({ rule }) => rule)
  const rows = rules.map((rule, at) => {
    const of = (figure: (one: Compared) => number): number[] => all.map((each) => figure(each[at] as Compared))
    return [
      rule,
      mean(of(({ calls }) => calls)).toFixed(0),
      mean(of(({ cold }) => cold)).toFixed(0),
      mean(of(({ scaleOut }) => scaleOut)).toFixed(0),
      `${(100 * mean(of(({ cold, calls }) => cold / calls))).toFixed(2)} %`,
      mean(of(({ idleMib }) => idleMib)).toFixed(0),
      mean(of(({ peakIdleMib }) => peakIdleMib)).toFixed(0),
      ranged(of(({ coldAtSameMemory }) => coldAtSameMemory)),
      ranged(of(({ coldAtSameMemoryButFirst }) => coldAtSameMemoryButFirst)),
      ranged(of(({ memoryAtSameCold }) => memoryAtSameCold)),
    ]
  })
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] as string).length)),
  )
  for (const row of [header, ...rows])
    console.log(row.map((cell, column) => cell.padEnd(widths[column] as number)).join('  '))
  console.log(
    '\n÷ fixed: beside a fixed time-out with the same mean idle memory (or as many cold starts); mean (least–most) of the traces.',
  )
}

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

const ranged = (values: number[]): string =>
  `${mean(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`
