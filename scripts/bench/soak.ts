import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { containersOf } from './engine.ts'
import { info, type Line, median, printTable } from './figures.ts'
import { openFiles, rssMb } from './processes.ts'
import { handlerFile, startTaibai, type Taibai } from './taibai.ts'

/**
 * Everything a server does, mixed, for as long as asked; what it holds must not grow. Rare functions come and go, code is
 * changed, functions fail, run out of time and exit, jobs tick, callers hang up.
 */

interface Sample {
  atSeconds: number
  rss: number
  files: number
  containers: number
  rows: number
}

/** What the rows must come to. */
interface Made {
  executions: number
  failures: string[]
}

const faulty = `export async function main(event) {
  if (event.do === 'throw') throw new Error('asked to')
  if (event.do === 'exit') process.exit(3)
  if (event.do === 'sleep') await new Promise((resolve) => setTimeout(resolve, 5000))
  console.log('x'.repeat(1000))
  return { padding: 'y'.repeat(5000) }
}
`

export async function soak({ minutes }: { minutes: number }): Promise<object> {
  // Little memory, so that workers are evicted all the time.
  const taibai = await startTaibai({ MEMORY_BUDGET_MB: 128 * 12, KEEP_EXECUTIONS_PER_PROJECT: 0 })
  const made: Made = { executions: 0, failures: [] }
  const samples: Sample[] = []
  try {
    await deployAll(taibai)
    const end = performance.now() + minutes * 60_000
    const goesOn = () => performance.now() < end
    const loops = [steady(taibai, made, goesOn), faults(taibai, made, goesOn), changes(taibai, made, goesOn)]
    await sampling(taibai, samples, goesOn, Math.max(2000, (minutes * 60_000) / 200))
    await Promise.all(loops)
    await settled(taibai)
    const rows = rowsOf(taibai)
    const jobRows = rowsOf(taibai, "WHERE trigger = 'job'")
    printTable(`${minutes} minutes of everything`, lines(samples, made, rows, jobRows))
    return { samples, made, rows, jobRows }
  } finally {
    await taibai.stop()
  }
}

async function deployAll(taibai: Taibai): Promise<void> {
  const handler = readFileSync(handlerFile, 'utf8')
  await taibai.deploy('steady', handler, { concurrency: 16 })
  await taibai.deploy('faulty', faulty, { timeout: 1 })
  for (let n = 0; n < 20; n++) await taibai.deploy(`rare${n}`, handler)
  const ticking = await taibai.deploy('ticking', handler)
  await taibai.call('POST', '/v1/jobs', { function_id: ticking, pattern: '* * * * * */2' })
}

/** Sync and async calls of one function, some of whose callers hang up, and lists of what there is. */
async function steady(taibai: Taibai, made: Made, goesOn: () => boolean): Promise<void> {
  const id = String((await taibai.call('GET', '/v1/functions/steady')).json.id)
  while (goesOn()) {
    const asked = Array.from({ length: 10 }, () => called(taibai, made, 'steady', {}, 200))
    for (let n = 0; n < 5; n++) {
      made.executions++
      asked.push(expectStatus(made, 201, taibai.call('POST', '/v1/executions', { function_id: id, sync: false })))
    }
    asked.push(expectStatus(made, 200, taibai.call('GET', '/v1/executions?limit=100')))
    await Promise.all([...asked, hangUp(taibai, made)])
    await pause(50)
  }
}

async function faults(taibai: Taibai, made: Made, goesOn: () => boolean): Promise<void> {
  const statuses = { throw: 502, exit: 502, sleep: 504, print: 200 }
  while (goesOn()) {
    for (const [what, status] of Object.entries(statuses)) await called(taibai, made, 'faulty', { do: what }, status)
    await pause(500)
  }
}

/** More functions than there is memory for, in turn; one that is made, called and removed. */
async function changes(taibai: Taibai, made: Made, goesOn: () => boolean): Promise<void> {
  for (let n = 0; goesOn(); n++) {
    await called(taibai, made, `rare${n % 20}`, {}, 200)
    if (n % 4 === 0) {
      const id = await taibai.deploy(`new${n}`, `${readFileSync(handlerFile, 'utf8')}\n// ${n}\n`)
      await called(taibai, made, `new${n}`, {}, 200)
      await expectStatus(made, 204, taibai.call('DELETE', `/v1/functions/${id}`))
    }
    await pause(300)
  }
}

async function called(taibai: Taibai, made: Made, name: string, event: object, status: number): Promise<void> {
  made.executions++
  await expectStatus(made, status, taibai.call('POST', `/fn/${name}`, event))
}

async function expectStatus(
  made: Made,
  status: number,
  asked: Promise<{ status: number; text: string }>,
): Promise<void> {
  const answer = await asked
  if (answer.status !== status)
    made.failures.push(`${answer.status} in place of ${status}: ${answer.text.slice(0, 200)}`)
}

/** Whether the call was made is a race: its row may be there or not. It goes to a function that is not counted. */
async function hangUp(taibai: Taibai, made: Made): Promise<void> {
  const headers = { 'X-Auth-Token': taibai.token }
  const signal = AbortSignal.timeout(2)
  await fetch(`${taibai.url}/v1/functions`, { headers, signal }).then(
    (answer) => answer.text().catch(() => {}),
    () => {},
  )
  if (made.failures.length > 100) throw new Error(made.failures.slice(0, 5).join('\n'))
}

async function sampling(taibai: Taibai, samples: Sample[], goesOn: () => boolean, everyMs: number): Promise<void> {
  const from = performance.now()
  while (goesOn()) {
    await pause(everyMs)
    samples.push({
      atSeconds: Math.round((performance.now() - from) / 1000),
      rss: rssMb(taibai.pid),
      files: openFiles(taibai.pid),
      containers: await containersOf(taibai.dataDir),
      rows: rowsOf(taibai),
    })
  }
}

function rowsOf({ dataDir }: Taibai, where = ''): number {
  const database = new Sqlite(join(dataDir, 'ledger.db'), { readonly: true })
  const count = database.prepare(`SELECT count(*) FROM executions ${where}`).pluck().get() as number
  database.close()
  return count
}

/** What was accepted has run, and what was written is on disk: a list makes sure of that. */
async function settled(taibai: Taibai): Promise<void> {
  await pause(3000)
  await taibai.call('GET', '/v1/executions?limit=1')
}

function lines(samples: Sample[], made: Made, rows: number, jobRows: number): Line[] {
  const third = Math.floor(samples.length / 3)
  const of = (what: 'rss' | 'files' | 'containers', part: Sample[]) => median(part.map((sample) => sample[what]))
  const [middle, last] = [samples.slice(third, 2 * third), samples.slice(2 * third)]
  const growth = (what: 'rss' | 'files' | 'containers', allowed: number, goal: string): Line => {
    const [before, after] = [of(what, middle), of(what, last)]
    const names = { rss: 'memory of the server, MB', files: 'its open files', containers: 'containers' }
    const figure = `${before.toFixed(0)} → ${after.toFixed(0)}`
    return { what: `${names[what]}: middle → last third`, figure, goal, reached: after - before <= allowed }
  }
  const other = rows - jobRows
  return [
    growth('rss', of('rss', middle) * 0.05, '≤ +5 %'),
    growth('files', 3, '≤ +3'),
    growth('containers', 1, '≤ +1'),
    {
      what: 'executions made = rows',
      figure: `${made.executions} = ${other}`,
      goal: 'equal',
      reached: made.executions === other,
    },
    info('runs of jobs', String(jobRows)),
    {
      what: `calls that went otherwise${made.failures.length > 0 ? `, such as ${made.failures[0]}` : ''}`,
      figure: String(made.failures.length),
      goal: '0',
      reached: made.failures.length === 0,
    },
  ]
}
