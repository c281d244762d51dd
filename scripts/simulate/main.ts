import { parseArgs } from 'node:util'
import { traceOfHistory } from '../../src/simulator/history.ts'
import type { Trace } from '../../src/simulator/trace.ts'
import { readHistoryFile } from '../../src/store/ledger-history.ts'
import { compare } from './compare.ts'
import { generate, mixes } from './generate.ts'
import { tableOf } from './table.ts'

/**
 * Cold starts with the pool's rule for keeping workers, compared with other rules, on generated traces or your own history: `npm
 * run simulate`, `npm run simulate -- --ledger data/ledger.db`.
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
    ? [() => ofLedger(values.ledger as string, Number(values['memory-mb']) * 1024 * 1024)]
    : values.seeds.split(',').map((seed) => () => made(Number(seed)))

function ofLedger(file: string, defaultMemoryBytes: number): Trace {
  const { calls, installation } = readHistoryFile(file, 0)
  return traceOfHistory(calls, installation, defaultMemoryBytes)
}

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
else console.log(tableOf(results))
