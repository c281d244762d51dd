import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { insertSql } from '../../src/store/ledger-rows.ts'
import { ledgerMigrations } from '../../src/store/migrations/ledger/embedded.ts'
import { migrate, openSqlite } from '../../src/store/sqlite.ts'
import { atLeast, atMost, info, type Line, printTable, ratios, showPercentiles, spread } from './figures.ts'
import { noteNoise } from './noise.ts'
import { alternate, type Contestant, type Measured, type RoundOptions, rateLine } from './rounds.ts'
import { handlerFile, invoke, metric, startTaibai, type Taibai, waitUntil } from './taibai.ts'

/**
 * Async calls: durable acceptance compared with a bare insert of the same rows, in batches of the same size; then the delay until
 * an accepted run starts on a free worker.
 */

export async function asyncRuns(options: RoundOptions & { drained: number }): Promise<object> {
  const taibai = await startTaibai()
  try {
    const id = await taibai.deploy('one', readFileSync(handlerFile, 'utf8'), { concurrency: 64 })
    await invoke(taibai, 'one')
    const results: Record<string, unknown> = {}
    for (const connections of [16, 64]) results[connections] = await accepting(taibai, id, connections, options)
    results.drain = await drain(taibai, id, options.drained)
    return results
  } finally {
    await taibai.stop()
  }
}

const bodyOf = (functionId: string) =>
  JSON.stringify({ function_id: functionId, input: '{"name":"bench"}', sync: false })

async function accepting(
  taibai: Taibai,
  functionId: string,
  connections: number,
  options: RoundOptions,
): Promise<object> {
  const contestant: Contestant = {
    name: 'async accept',
    target: {
      url: `${taibai.url}/v1/executions`,
      headers: { 'Content-Type': 'application/json', 'X-Auth-Token': taibai.token },
      body: bodyOf(functionId),
    },
    cpu: taibai.cpu,
    settle: () => waitUntil('accepted runs are over', async () => (await unfinished(taibai)) === 0),
  }
  const rows = acceptedRows(taibai, functionId)
  const accepted: Measured[] = []
  const inserted: number[] = []
  for (let round = 0; round < options.rounds; round++) {
    const measured = await alternate([contestant], connections, { rounds: 1, seconds: options.seconds })
    accepted.push(...(measured.get(contestant.name) as Measured[]))
    await noteNoise()
    inserted.push(rawInserts(rows, connections, options.seconds))
  }
  printTable(`async, ${connections} connections`, lines(connections, accepted, inserted))
  return { accepted, inserted }
}

function lines(connections: number, accepted: Measured[], inserted: number[]): Line[] {
  const p50 = spread(accepted.map(({ p50Ms }) => p50Ms))
  const ratio = ratios(
    accepted.map(({ requestsPerSecond }) => requestsPerSecond),
    inserted,
  )
  return [
    rateLine('accept', accepted),
    info(`raw inserts in batches of ${connections}, rows/s`, spreadText(inserted)),
    atLeast('accept ÷ raw inserts', 0.5, ratio),
    connections === 16 ? atMost('accept p50, ms', 3, p50) : info('accept p50, ms', p50.median.toFixed(2)),
  ]
}

const spreadText = (values: number[]): string => {
  const { min, median, max } = spread(values)
  return `${median.toFixed(0)} (${min.toFixed(0)}–${max.toFixed(0)})`
}

const unfinished = async (taibai: Taibai): Promise<number> =>
  (await metric(taibai, 'taibai_queued')) + (await metric(taibai, 'taibai_running'))

/** Rows as the server writes them on acceptance. */
function acceptedRows(taibai: Taibai, functionId: string): unknown[] {
  const ledger = new Sqlite(join(taibai.dataDir, 'ledger.db'), { readonly: true })
  const row = ledger.prepare('SELECT * FROM executions WHERE function_id = ? LIMIT 1').get(functionId) as object
  ledger.close()
  const columns = /\(([^)]+)\)/.exec(insertSql)?.[1]?.split(',') as string[]
  const values = { ...row, is_sync: 0, trigger: 'async', status: 'running', input: '{"name":"bench"}', output: null }
  return columns.map((column) => (values as Record<string, unknown>)[column.trim()])
}

/** Rows per second in durable batches, with the same statement, table and time-ordered keys. */
function rawInserts(row: unknown[], batch: number, seconds: number): number {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-raw-'))
  try {
    const connection = openSqlite(join(folder, 'raw.db'))
    migrate(connection, ledgerMigrations)
    const insert = connection.prepare(insertSql)
    let count = 0
    const write = connection.transaction(() => {
      for (let n = 0; n < batch; n++) insert.run([`${String(count++).padStart(12, '0')}-0000-7000`, ...row.slice(1)])
    })
    const end = performance.now() + seconds * 1000
    while (performance.now() < end) write.immediate()
    connection.close()
    return count / seconds
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One at a time, so that a worker is free: from the commit to the start of the function. */
async function drain(taibai: Taibai, functionId: string, count: number): Promise<number[]> {
  await noteNoise()
  const ids: string[] = []
  for (let n = 0; n < count; n++) {
    const { json } = await taibai.call('POST', '/v1/executions', JSON.parse(bodyOf(functionId)))
    ids.push(String(json.id))
    await pause(10)
  }
  await waitUntil('accepted runs are over', async () => (await unfinished(taibai)) === 0)
  const waits: number[] = []
  for (const id of ids) {
    const { phases } = (await taibai.call('GET', `/v1/executions/${id}`)).json as { phases: Record<string, number> }
    waits.push((phases.queue as number) + (phases.acquire as number))
  }
  const { median } = spread(waits)
  printTable('async drain, a worker is free', [
    { what: 'accepted → started, ms', figure: showPercentiles(waits, 2), goal: 'p50 ≤ 5', reached: median <= 5 },
  ])
  return waits
}
