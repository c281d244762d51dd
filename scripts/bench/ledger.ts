import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { timeOrderedId } from '../../src/domain/ids.ts'
import { insertSql } from '../../src/store/ledger-rows.ts'
import { atLeast, atMost, info, median, printTable, ratios, showPercentiles, spread } from './figures.ts'
import { load, type Round } from './load.ts'
import { noteNoise } from './noise.ts'
import { alternate, type Contestant, type Measured, type RoundOptions, rateLine, rateRatio } from './rounds.ts'
import { handlerFile, invoke, newDataDir, startTaibai, type Taibai } from './taibai.ts'

/** A full ledger compared with an empty one: warm calls, lists, single executions; then calls while it is pruned. */

export interface LedgerOptions extends RoundOptions {
  rows: number
  /** Lists and single executions read in a round. */
  reads: number
}

const connections = 16
const dayMs = 86_400_000

export async function ledger(options: LedgerOptions): Promise<object> {
  const [emptyDir, fullDir] = [newDataDir(), newDataDir()]
  await deployed(emptyDir)
  const full = await deployed(fullDir)
  const from = performance.now()
  fill(fullDir, full, options.rows)
  console.log(`\nfilled ${options.rows} executions in ${((performance.now() - from) / 1000).toFixed(0)} s`)
  const results: Record<string, unknown> = {}
  // Pruning is off, so that rows stay.
  const settings = { KEEP_EXECUTIONS_DAYS: 0, KEEP_EXECUTIONS_PER_PROJECT: 0 }
  await withBoth({ settings, emptyDir, fullDir, keep: 'keep' }, async (one, other) => {
    results.rates = await rates(one, other, options)
    results.reads = await reads(one, other, full, options)
  })
  const pruning = { KEEP_EXECUTIONS_DAYS: 30, KEEP_EXECUTIONS_PER_PROJECT: 0 }
  await withBoth({ settings: pruning, emptyDir, fullDir, keep: undefined }, async (one, other) => {
    results.pruning = await whilePruned(one, other, options)
  })
  return results
}

interface Prepared {
  functionId: string
  projectId: string
}

async function deployed(dataDir: string): Promise<Prepared> {
  const taibai = await startTaibai({}, dataDir)
  const functionId = await taibai.deploy('one', readFileSync(handlerFile, 'utf8'), { concurrency: 64 })
  await invoke(taibai, 'one')
  const { json } = await taibai.call('GET', `/v1/functions/${functionId}`)
  await taibai.stop('keep')
  return { functionId, projectId: String(json.project_id) }
}

/** Copies of an existing execution, spread over the last 60 days, so that half of them are old enough to be pruned. */
function fill(dataDir: string, { functionId }: Prepared, rows: number): void {
  const database = new Sqlite(join(dataDir, 'ledger.db'))
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = OFF')
  const columns = /\(([^)]+)\)/
    .exec(insertSql)?.[1]
    ?.split(',')
    .map((name) => name.trim()) as string[]
  const model = database.prepare('SELECT * FROM executions LIMIT 1').get() as Record<string, unknown>
  const insert = database.prepare(insertSql)
  const now = Date.now()
  const first = now - 60 * dayMs
  const write = database.transaction((begin: number, end: number) => {
    for (let n = begin; n < end; n++) {
      const created_at = Math.floor(first + ((now - first) * n) / rows)
      const row = { ...model, id: timeOrderedId(), created_at, updated_at: created_at + 1, function_id: functionId }
      insert.run(columns.map((column) => (row as Record<string, unknown>)[column]))
    }
  })
  for (let at = 0; at < rows; at += 10_000) write(at, Math.min(rows, at + 10_000))
  database.pragma('wal_checkpoint(TRUNCATE)')
  database.close()
}

async function withBoth(
  {
    settings,
    emptyDir,
    fullDir,
    keep,
  }: {
    settings: Record<string, number>
    emptyDir: string
    fullDir: string
    keep: 'keep' | undefined
  },
  measure: (empty: Taibai, full: Taibai) => Promise<void>,
): Promise<void> {
  const empty = await startTaibai(settings, emptyDir)
  const full = await startTaibai(settings, fullDir)
  try {
    for (const taibai of [empty, full]) await invoke(taibai, 'one')
    await measure(empty, full)
  } finally {
    await empty.stop(keep)
    await full.stop(keep)
  }
}

const target = (taibai: Taibai) => ({
  url: `${taibai.url}/fn/one`,
  headers: { 'Content-Type': 'application/json', 'X-Auth-Token': taibai.token },
  body: '{"name":"bench"}',
})

async function rates(empty: Taibai, full: Taibai, options: LedgerOptions): Promise<object> {
  const contestants: Contestant[] = [
    { name: 'empty', target: target(empty), cpu: empty.cpu },
    { name: 'full', target: target(full), cpu: full.cpu },
  ]
  const rounds = await alternate(contestants, connections, options)
  const of = (name: string) => rounds.get(name) as Measured[]
  printTable(`warm calls beside ${options.rows} executions, ${connections} connections`, [
    rateLine('empty ledger', of('empty')),
    rateLine('full ledger', of('full')),
    atLeast('rate of the full ÷ empty', 0.9, rateRatio(of('full'), of('empty'))),
  ])
  return Object.fromEntries(rounds)
}

interface Reads {
  list: number[]
  ofFunction: number[]
  show: number[]
}

/** The empty ledger contains the rows of the rate measurement, enough for a page. */
async function reads(empty: Taibai, full: Taibai, { functionId }: Prepared, options: LedgerOptions): Promise<object> {
  const all = { empty: [] as Reads[], full: [] as Reads[] }
  for (let round = -1; round < options.rounds; round++) {
    await noteNoise()
    const measured = await readsOf(empty, full, functionId, options.reads)
    if (round < 0) continue
    all.empty.push(measured.empty)
    all.full.push(measured.full)
  }
  const compared = (what: keyof Reads) =>
    ratios(
      all.full.map((each) => median(each[what])),
      all.empty.map((each) => median(each[what])),
    )
  const shown = (what: keyof Reads) =>
    info(
      `${what} in the full one, ms`,
      showPercentiles(
        all.full.flatMap((each) => each[what]),
        2,
      ),
    )
  printTable(`reading among ${options.rows} executions`, [
    shown('list'),
    atMost('list of 50: full ÷ empty', 1.1, compared('list')),
    shown('ofFunction'),
    atMost('list of 50 of a function: full ÷ empty', 1.1, compared('ofFunction')),
    shown('show'),
    atMost('one execution: full ÷ empty', 1.1, compared('show')),
  ])
  return all
}

/** Alternates between both, so that they see the same machine. */
async function readsOf(
  empty: Taibai,
  full: Taibai,
  functionId: string,
  count: number,
): Promise<{ empty: Reads; full: Reads }> {
  const measured = { empty: { list: [], ofFunction: [], show: [] }, full: { list: [], ofFunction: [], show: [] } } as {
    empty: Reads
    full: Reads
  }
  const sides = [
    { taibai: empty, reads: measured.empty, page: await firstPage(empty), id: undefined },
    { taibai: full, reads: measured.full, page: await firstPage(full), id: functionId },
  ]
  for (let n = 0; n < count; n++) {
    for (const { taibai, reads, page, id = page[0]?.function_id } of n % 2 === 0 ? sides : sides.toReversed()) {
      reads.list.push((await taibai.call('GET', '/v1/executions?limit=50')).tookMs)
      reads.ofFunction.push((await taibai.call('GET', `/v1/executions?limit=50&function_id=${id}`)).tookMs)
      reads.show.push((await taibai.call('GET', `/v1/executions/${page[n % page.length]?.id}`)).tookMs)
    }
  }
  return measured
}

async function firstPage(taibai: Taibai): Promise<{ id: string; function_id: string }[]> {
  const { json } = await taibai.call('GET', '/v1/executions?limit=50')
  return (json as { executions: { id: string; function_id: string }[] }).executions
}

/** Pruning begins when the server starts, together with the first calls. */
async function whilePruned(empty: Taibai, full: Taibai, options: LedgerOptions): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-load-'))
  const rounds = { empty: [] as Round[], full: [] as (Round & { removed: number })[] }
  try {
    for (let round = 0; round < options.rounds; round++) {
      await noteNoise()
      rounds.empty.push(await load(target(empty), 1, options.seconds, folder))
      const before = oldRows(full)
      const measured = await load(target(full), 1, options.seconds, folder)
      rounds.full.push({ ...measured, removed: before - oldRows(full) })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const added = (of: 'p99Ms' | 'maxMs') =>
    spread(rounds.full.map((round, at) => round[of] - (rounds.empty[at] as Round)[of]))
  const removed = spread(rounds.full.map((round) => round.removed / options.seconds))
  printTable('one call at a time while old executions are removed', [
    info('rows removed a second', `${removed.median.toFixed(0)} (${removed.min.toFixed(0)}–${removed.max.toFixed(0)})`),
    atMost('added to the p99 of a call, ms', 5, added('p99Ms')),
    atMost('added to the longest call of a round, ms', 5, added('maxMs')),
  ])
  await pause(100)
  return rounds
}

function oldRows({ dataDir }: Taibai): number {
  const database = new Sqlite(join(dataDir, 'ledger.db'), { readonly: true })
  const count = database
    .prepare('SELECT count(*) FROM executions INDEXED BY executions_time WHERE created_at < ?')
    .pluck()
    .get(Date.now() - 30 * dayMs) as number
  database.close()
  return count
}
