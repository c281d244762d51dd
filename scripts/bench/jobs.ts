import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { timeOrderedId } from '../../src/domain/ids.ts'
import {
  atMost,
  info,
  type Line,
  percentile,
  printTable,
  ratios,
  showPercentiles,
  sortedOf,
  spread,
} from './figures.ts'
import { noteNoise } from './noise.ts'
import { type Cpu, cpuSince } from './processes.ts'
import { newDataDir, startTaibai, type Taibai, waitUntil } from './taibai.ts'

/**
 * Jobs that are due in the same second, with a warm worker, beside few and many other jobs: the function returns its start time,
 * and the difference to the due time is the lateness.
 */

const dueAtOnce = 200
const many = 10_000
const functions = 10
const tellTime = 'export const main = () => Date.now()\n'

interface Tick {
  lateness: number[]
  /** CPU time of the server and its workers around the due time. */
  cpuMs: Cpu
}

/** Enough to create the jobs and warm their workers. */
const gapMs = 8000

export async function jobs({ rounds }: { rounds: number }): Promise<object> {
  const dirs = { few: newDataDir(), many: newDataDir() }
  const fewStart = await withJobs(dirs.few, 0)
  const manyStart = await withJobs(dirs.many, many)
  const few = await startTaibai({}, dirs.few)
  const lots = await startTaibai({}, dirs.many)
  try {
    const ticks = { few: [] as Tick[], many: [] as Tick[] }
    await warmUp(few)
    await warmUp(lots)
    for (let round = -1; round < rounds; round++) {
      const [a, b] = [await tick(few, fewStart), await tick(lots, manyStart)]
      if (round < 0) continue
      ticks.few.push(a)
      ticks.many.push(b)
    }
    printTable(`${dueAtOnce} jobs due in the same second`, lines(ticks))
    return ticks
  } finally {
    await few.stop()
    await lots.stop()
  }
}

interface Prepared {
  functionIds: string[]
  projectId: string
}

/** Creates functions through the API, but the other jobs in the file of a stopped server, which is much faster. */
async function withJobs(dataDir: string, count: number): Promise<Prepared> {
  const taibai = await startTaibai({}, dataDir)
  const functionIds: string[] = []
  for (let n = 0; n < functions; n++)
    functionIds.push(await taibai.deploy(`f${n}`, tellTime, { concurrency: 64, min_workers: 1 }))
  await taibai.stop('keep')
  const file = join(dataDir, 'taibai.db')
  const database = new Sqlite(file)
  const projectId = database.prepare('SELECT project_id FROM functions LIMIT 1').pluck().get() as string
  const prepared = { functionIds, projectId }
  const insert = inserter(database)
  const now = Date.now()
  database.transaction(() => {
    for (let n = 0; n < count; n++) insert(prepared, n, now + 86_400_000 + n * 1000)
  })()
  database.close()
  return prepared
}

function inserter(database: Sqlite.Database): (prepared: Prepared, n: number, dueMs: number) => void {
  const statement = database.prepare(
    `INSERT INTO jobs (id, project_id, function_id, function_version, status, pattern, timezone, overlap, missed,
      missed_limit, next_execution_time, created_at)
    VALUES (?, ?, ?, 0, 'running', '0 3 * * *', 'UTC', 'allow', 'once', 100, ?, ?)`,
  )
  return ({ functionIds, projectId }, n, dueMs) =>
    void statement.run(timeOrderedId(), projectId, functionIds[n % functions], dueMs, Date.now())
}

const warmUp = (taibai: Taibai): Promise<void> =>
  waitUntil('a worker of each function is warm', async () => {
    const { text } = await taibai.call('GET', '/metrics')
    return Number(/taibai_workers\{state="idle"\} (\d+)/.exec(text)?.[1] ?? 0) >= functions
  })

async function tick(taibai: Taibai, prepared: Prepared): Promise<Tick> {
  const dueMs = Math.ceil((Date.now() + gapMs) / 1000) * 1000
  const due = new Date(dueMs)
  const pattern = `${due.getUTCMinutes()} ${due.getUTCHours()} * * * ${due.getUTCSeconds()}`
  for (let n = 0; n < dueAtOnce; n++) {
    const functionId = prepared.functionIds[n % functions]
    const body = { function_id: functionId, function_input: '{}', pattern, count: 1 }
    const answer = await taibai.call('POST', '/v1/jobs', body)
    if (answer.status !== 201) throw new Error(`making a job: ${answer.text}`)
  }
  const leftMs = dueMs - Date.now() - 300
  if (leftMs < 300) throw new Error('making the jobs took too long')
  await pause(leftMs - 250)
  await noteNoise()
  const before = taibai.cpu()
  await pause(2300)
  const cpuMs = cpuSince(before, taibai.cpu())
  return { lateness: latenessOf(taibai, dueMs), cpuMs }
}

function latenessOf(taibai: Taibai, dueMs: number): number[] {
  const ledger = new Sqlite(join(taibai.dataDir, 'ledger.db'), { readonly: true })
  const rows = ledger
    .prepare("SELECT status, output, start_kind AS startKind FROM executions WHERE trigger = 'job' AND created_at >= ?")
    .all(dueMs) as { status: string; output: string; startKind: string }[]
  ledger.close()
  const failed = rows.filter(({ status }) => status !== 'success').length
  if (rows.length !== dueAtOnce || failed > 0) throw new Error(`${rows.length} jobs ran, ${failed} failed`)
  return rows.filter(({ startKind }) => startKind === 'warm').map(({ output }) => Number(output) - dueMs)
}

function lines(ticks: { few: Tick[]; many: Tick[] }): Line[] {
  const p99 = ({ lateness }: Tick) => percentile(sortedOf(lateness), 99)
  const mainMs = (each: Tick) => each.cpuMs.main as number
  const cpuText = (each: Tick[]) => spread(each.map(mainMs))
  const late = (each: Tick[]) => each.flatMap(({ lateness }) => lateness)
  const warmShare = late(ticks.many).length / (dueAtOnce * ticks.many.length)
  return [
    info(`beside ${many} others: lateness, ms`, showPercentiles(late(ticks.many), 0)),
    info('beside no others: lateness, ms', showPercentiles(late(ticks.few), 0)),
    info('of them with a warm worker', `${(warmShare * 100).toFixed(0)} %`),
    atMost(`beside ${many} others: p99 lateness, ms`, 50, spread(ticks.many.map(p99)), 0),
    info(
      'CPU of the event loop in 2.3 s, ms',
      `${cpuText(ticks.many).median.toFixed(0)} and ${cpuText(ticks.few).median.toFixed(0)} beside none`,
    ),
    atMost('CPU beside many ÷ beside none', 1.2, ratios(ticks.many.map(mainMs), ticks.few.map(mainMs))),
  ]
}
