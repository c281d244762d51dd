import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { EngineProxy } from '../setup/engine-proxy.ts'
import { containersOf } from './engine.ts'
import { type Failure, faultsOf, type InjectedFault, injectFaults } from './faults.ts'
import { info, type Line, median, printTable } from './figures.ts'
import { openFiles, rssMb } from './processes.ts'
import { type Answer, handlerFile, startTaibai, type Taibai } from './taibai.ts'

/**
 * Everything a server does, mixed, at 70 % of its capacity, with a fault every few seconds: its resources must not grow, calls
 * fail only during a fault, and no accepted run is lost. Rare functions come and go, code changes, functions fail, time out and
 * exit, jobs tick, callers hang up.
 */

interface Sample {
  atSeconds: number
  rss: number
  files: number
  containers: number
  rows: number
}

/** Expected records. */
interface Made {
  executions: number
  /** Ids of accepted runs. */
  accepted: string[]
  /** Unexpected results of calls. */
  failures: Failure[]
}

/** Share of the measured rate that is used as load. */
const share = 0.7
/** Concurrent calls while the rate is measured. */
const askers = 16

const faulty = `export async function main(event) {
  if (event.do === 'throw') throw new Error('asked to')
  if (event.do === 'exit') process.exit(3)
  if (event.do === 'sleep') await new Promise((resolve) => setTimeout(resolve, 5000))
  console.log('x'.repeat(1000))
  return { padding: 'y'.repeat(5000) }
}
`

export async function soak({ minutes }: { minutes: number }): Promise<object> {
  await using line = await EngineProxy.open(engineSocket())
  // Little memory, so that workers are evicted all the time.
  const settings = { MEMORY_BUDGET_MB: 128 * 12, KEEP_EXECUTIONS_PER_PROJECT: 0, DOCKER_HOST: `unix://${line.path}` }
  const taibai = await startTaibai(settings)
  const made: Made = { executions: 0, accepted: [], failures: [] }
  const samples: Sample[] = []
  try {
    const steadyId = await deployAll(taibai)
    const most = await measuredRate(taibai, made, steadyId)
    const end = performance.now() + minutes * 60_000
    const goesOn = () => performance.now() < end
    const troubles: InjectedFault[] = []
    const loops = [
      ...[steady(taibai, made, steadyId, most * share, goesOn), faults(taibai, made, goesOn)],
      ...[changes(taibai, made, goesOn), injectFaults(taibai, line, troubles, goesOn)],
    ]
    await sampling(taibai, samples, goesOn, Math.max(2000, (minutes * 60_000) / 200))
    await Promise.all(loops)
    await settled(taibai)
    const found = { samples, made, troubles, most, ...countsOf(taibai, made) }
    printTable(`${minutes} minutes of everything, with ${troubles.length} faults`, lines(found))
    return found
  } finally {
    await taibai.stop()
  }
}

/** The proxy needs a socket: a remote engine cannot be delayed here. */
function engineSocket(): string {
  const host = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock'
  if (host.startsWith('unix://')) return host.slice('unix://'.length)
  throw new Error('The soak wants an engine at a Unix socket.')
}

async function deployAll(taibai: Taibai): Promise<string> {
  const handler = readFileSync(handlerFile, 'utf8')
  const id = await taibai.deploy('steady', handler, { concurrency: 16 })
  await taibai.deploy('faulty', faulty, { timeout: 1 })
  for (let n = 0; n < 20; n++) await taibai.deploy(`rare${n}`, handler)
  const ticking = await taibai.deploy('ticking', handler)
  await taibai.call('POST', '/v1/jobs', { function_id: ticking, pattern: '* * * * * */2' })
  return id
}

/** Calls per second of the steady mix, sent one after the other by a few callers. */
async function measuredRate(taibai: Taibai, made: Made, id: string): Promise<number> {
  const [seconds, before] = [5, made.executions]
  const end = performance.now() + seconds * 1000
  let n = 0
  const asker = async () => {
    while (performance.now() < end) await one(taibai, made, id, n++)
  }
  await Promise.all(Array.from({ length: askers }, asker))
  return (made.executions - before) / seconds
}

/** One in three is accepted and run later; sometimes a caller lists objects, or hangs up. */
async function one(taibai: Taibai, made: Made, id: string, n: number): Promise<void> {
  if (n % 200 === 0) await expectStatus(made, 200, () => taibai.call('GET', '/v1/executions?limit=100'))
  if (n % 200 === 100) await hangUp(taibai)
  if (n % 3 === 0) await accepted(taibai, made, id)
  else await called(taibai, made, 'steady', {}, 200)
}

/** Calls at a steady rate, whatever their results. */
async function steady(taibai: Taibai, made: Made, id: string, perSecond: number, goesOn: () => boolean): Promise<void> {
  const from = performance.now()
  const underWay = new Set<Promise<void>>()
  for (let n = 0; goesOn(); await pause(10)) {
    for (const due = ((performance.now() - from) / 1000) * perSecond; n < due; n++) {
      const asked: Promise<void> = one(taibai, made, id, n).finally(() => underWay.delete(asked))
      underWay.add(asked)
    }
  }
  await Promise.all(underWay)
}

async function faults(taibai: Taibai, made: Made, goesOn: () => boolean): Promise<void> {
  const statuses = { throw: 502, exit: 502, sleep: 504, print: 200 }
  while (goesOn()) {
    for (const [what, status] of Object.entries(statuses)) await called(taibai, made, 'faulty', { do: what }, status)
    await pause(500)
  }
}

/** More functions than there is memory for, in turn; and one that is created, called and deleted. */
async function changes(taibai: Taibai, made: Made, goesOn: () => boolean): Promise<void> {
  for (let n = 0; goesOn(); n++) {
    await called(taibai, made, `rare${n % 20}`, {}, 200)
    if (n % 4 === 0) {
      const id = await taibai.deploy(`new${n}`, `${readFileSync(handlerFile, 'utf8')}\n// ${n}\n`)
      await called(taibai, made, `new${n}`, {}, 200)
      await expectStatus(made, 204, () => taibai.call('DELETE', `/v1/functions/${id}`))
    }
    await pause(300)
  }
}

async function called(taibai: Taibai, made: Made, name: string, event: object, status: number): Promise<void> {
  const { headers } = await expectStatus(made, status, () => taibai.call('POST', `/fn/${name}`, event))
  if (headers['x-execution-id'] !== undefined) made.executions++
}

async function accepted(taibai: Taibai, made: Made, id: string): Promise<void> {
  const ask = () => taibai.call('POST', '/v1/executions', { function_id: id, sync: false })
  const { status, json } = await expectStatus(made, 201, ask)
  if (status !== 201) return
  made.executions++
  made.accepted.push(String(json.id))
}

async function expectStatus(made: Made, status: number, ask: () => Promise<Answer>): Promise<Answer> {
  const from = performance.now()
  const answer = await ask()
  if (answer.status !== status) {
    const text = `${answer.status} in place of ${status}: ${answer.text.slice(0, 200)}`
    made.failures.push({ from, to: performance.now(), status: answer.status, text })
    if (made.failures.length > 2000) throw new Error(text)
  }
  return answer
}

/** Whether the call is made is a race, so it goes to a function that is not counted. */
async function hangUp(taibai: Taibai): Promise<void> {
  const headers = { 'X-Auth-Token': taibai.token }
  const signal = AbortSignal.timeout(2)
  await fetch(`${taibai.url}/v1/functions`, { headers, signal }).then(
    (answer) => answer.text().catch(() => {}),
    () => {},
  )
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
      rows: countOf(taibai),
    })
  }
}

function countOf(taibai: Taibai, where = '1'): number {
  return Number(rowsOf(taibai, `SELECT count(*) AS count FROM executions WHERE ${where}`)[0]?.count)
}

function rowsOf({ dataDir }: Taibai, sql: string): Record<string, unknown>[] {
  const database = new Sqlite(join(dataDir, 'ledger.db'), { readonly: true })
  try {
    return database.prepare(sql).all() as Record<string, unknown>[]
  } finally {
    database.close()
  }
}

interface Counts {
  /** Rows of jobs, and of everything else. */
  jobRows: number
  otherRows: number
  /** Accepted runs that failed or are missing. */
  lost: number
}

function countsOf(taibai: Taibai, { accepted }: Made): Counts {
  const succeeded = new Set(rowsOf(taibai, "SELECT id FROM executions WHERE status = 'success'").map(({ id }) => id))
  const lost = accepted.filter((id) => !succeeded.has(id)).length
  return { jobRows: countOf(taibai, "trigger = 'job'"), otherRows: countOf(taibai, "trigger <> 'job'"), lost }
}

/** Waits until accepted runs have finished and rows are on disk, which a list ensures. */
async function settled(taibai: Taibai): Promise<void> {
  for (let tries = 0; tries < 60 && countOf(taibai, "status = 'running' OR run_at IS NOT NULL") > 0; tries++) {
    await pause(1000)
    await taibai.call('GET', '/v1/executions?limit=1')
  }
}

interface Found extends Counts {
  samples: Sample[]
  made: Made
  troubles: InjectedFault[]
  most: number
}

function lines({ samples, made, troubles, most, jobRows, otherRows, lost }: Found): Line[] {
  const third = Math.floor(samples.length / 3)
  const of = (what: 'rss' | 'files' | 'containers', part: Sample[]) => median(part.map((sample) => sample[what]))
  const [middle, last] = [samples.slice(third, 2 * third), samples.slice(2 * third)]
  const growth = (what: 'rss' | 'files' | 'containers', allowed: number, goal: string): Line => {
    const [before, after] = [of(what, middle), of(what, last)]
    const names = { rss: 'memory of the server, MB', files: 'its open files', containers: 'containers' }
    const figure = `${before.toFixed(0)} → ${after.toFixed(0)}`
    return { what: `${names[what]}: middle → last third`, figure, goal, reached: after - before <= allowed }
  }
  const { ofFaults, unexplained } = faultsOf(made.failures, troubles)
  const equal = (what: string, a: number, b: number): Line => ({
    ...{ what, figure: `${a} = ${b}`, goal: 'equal', reached: a === b },
  })
  const none = (what: string, count: number): Line => ({ what, figure: `${count}`, goal: '0', reached: count === 0 })
  return [
    info(`rate: ${share} of the ${most.toFixed(0)}/s that it took alone`, `${(most * share).toFixed(0)}/s`),
    growth('rss', of('rss', middle) * 0.05, '≤ +5 %'),
    growth('files', 3, '≤ +3'),
    growth('containers', 1, '≤ +1'),
    equal('executions made = rows', made.executions, otherRows),
    none(`accepted runs that did not succeed, of ${made.accepted.length}`, lost),
    info('runs of jobs', String(jobRows)),
    ...ofFaults.map(({ name, times, calls }) => info(`calls that failed by ${times} × ${name}`, String(calls))),
    none(
      `calls that went otherwise${unexplained[0] === undefined ? '' : `, such as ${unexplained[0].text}`}`,
      unexplained.length,
    ),
  ]
}
