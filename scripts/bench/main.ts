import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cold } from './cold.ts'
import { warm } from './warm.ts'

/** Measures, prints a table, writes JSON. `npm run bench` runs all, `npm run bench -- warm` one, `--quick` shorter rounds. */

const quick = process.argv.includes('--quick')
const suites: Record<string, () => Promise<object>> = {
  warm: () => warm(quick ? { rounds: 3, seconds: 2 } : { rounds: 7, seconds: 3 }),
  cold: () => cold({ calls: quick ? 5 : 20 }),
}

const asked = process.argv.slice(2).filter((name) => !name.startsWith('--'))
const unknown = asked.filter((name) => !(name in suites))
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are: ${Object.keys(suites).join(', ')}.`)
  process.exit(2)
}

const folder = join(import.meta.dirname, 'results')
mkdirSync(folder, { recursive: true })
for (const name of asked.length > 0 ? asked : Object.keys(suites)) {
  const result = await (suites[name] as () => Promise<object>)()
  const file = join(folder, `${name}-${new Date().toISOString().replaceAll(':', '')}.json`)
  writeFileSync(file, JSON.stringify({ name, node: process.version, at: new Date().toISOString(), result }, null, 1))
}
