import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { stopAll } from '../setup/own-server.ts'
import { asyncRuns } from './async-runs.ts'
import { burst } from './burst.ts'
import { dev } from './dev.ts'
import { fairness } from './fairness.ts'
import { tables } from './figures.ts'
import { firstCall } from './first-call.ts'
import { idle } from './idle.ts'
import { idleServer } from './idle-server.ts'
import { image } from './image.ts'
import { inOwnSession } from './isolation.ts'
import { jobs } from './jobs.ts'
import { ledger } from './ledger.ts'
import { link } from './link.ts'
import { measuredNoise, warnOfNoise } from './noise.ts'
import { signatures } from './signatures.ts'
import { soak } from './soak.ts'
import { spreadOut } from './spread-out.ts'
import { swarm } from './swarm.ts'
import { wakeUp } from './wake-up.ts'
import { warm } from './warm.ts'
import { workerStart } from './worker-start.ts'

/**
 * Measures, prints tables, writes JSON. `npm run bench` runs everything except the soak and the image, `npm run bench -- warm`
 * one suite, `--quick` shorter rounds. README.md explains the results.
 */

const quick = process.argv.includes('--quick')
/** Minutes of the soak: 10, or BENCH_MINUTES (1440 is a day). */
const soakMinutes = Number(process.env.BENCH_MINUTES ?? (quick ? 1 : 10))
const rounds = quick ? { rounds: 3, seconds: 2 } : { rounds: 7, seconds: 3 }
const suites: Record<string, () => Promise<object>> = {
  warm: () => warm(rounds),
  signatures: () => signatures(rounds),
  'spread-out': () => spreadOut(rounds),
  'worker-start': () => workerStart({ starts: quick ? 5 : 20 }),
  'first-call': () => firstCall({ calls: quick ? 5 : 20 }),
  burst: () => burst({ rounds: quick ? 1 : 3 }),
  fairness: () => fairness(quick ? { rounds: 3, seconds: 3, queued: 300 } : { rounds: 5, seconds: 20, queued: 10_000 }),
  async: () => asyncRuns({ ...rounds, drained: quick ? 50 : 300 }),
  jobs: () => jobs({ rounds: quick ? 2 : 5 }),
  ledger: () => ledger({ ...rounds, rows: quick ? 100_000 : 1_000_000, reads: quick ? 30 : 100 }),
  'idle-server': () => idleServer(quick ? { rounds: 2, seconds: 5 } : { rounds: 6, seconds: 10 }),
  'wake-up': () => wakeUp(quick ? { rounds: 2, calls: 500 } : { rounds: 5, calls: 2000 }),
  idle: () => idle(quick ? { workers: 10, seconds: 10 } : { workers: 100, seconds: 60 }),
  link: () => link({ ...rounds, calls: quick ? 5 : 20 }),
  swarm: () => swarm(quick ? { rounds: 3, seconds: 2, calls: 4 } : { ...rounds, calls: 20 }),
  dev: () => dev({ saves: quick ? 10 : 40 }),
  image: () => image({ ...rounds, calls: quick ? 5 : 20 }),
  soak: () => soak({ minutes: soakMinutes }),
}

/** Only when they are named: one takes long, one needs the image of the server, one makes engines as root. */
const asideSuites = new Set(['soak', 'image', 'swarm'])

/** When they are named, they go before other programs. */
const apartSuites = new Set(['fairness', 'first-call', 'warm'])

const asked = process.argv.slice(2).filter((name) => !name.startsWith('--'))
const unknown = asked.filter((name) => !(name in suites))
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are: ${Object.keys(suites).join(', ')}.`)
  process.exit(2)
}

// A session of its own can get priority without the terminal's.
const again = asked.some((name) => apartSuites.has(name)) ? inOwnSession() : null
if (again !== null) process.exit(await again)

const folder = join(import.meta.dirname, 'results')
mkdirSync(folder, { recursive: true })
try {
  for (const name of asked.length > 0 ? asked : Object.keys(suites).filter((each) => !asideSuites.has(each)))
    await measure(name)
} finally {
  await stopAll()
}

async function measure(name: string): Promise<void> {
  const at = new Date().toISOString()
  const result = await (suites[name] as () => Promise<object>)()
  const noises = measuredNoise()
  warnOfNoise(noises)
  const machine = { node: process.version, cores: cpus().length, memoryMb: Math.round(totalmem() / 1048576) }
  const file = join(folder, `${name}-${at.replaceAll(':', '')}.json`)
  writeFileSync(file, JSON.stringify({ name, at, quick, machine, noises, tables: tables.splice(0), result }, null, 1))
}
