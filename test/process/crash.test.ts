import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { describe, expect, onTestFailed, test } from 'vitest'
import { UnreachableError } from '../../src/client/problems.ts'
import { DataFolder } from '../support/data-folder.ts'
import { engines } from '../support/engines.ts'
import { dueTimes, gaps, runsOf } from '../support/job-runs-of.ts'
import { type LedgerRow, ledgerCount, ledgerRows } from '../support/ledger-file.ts'
import { type EngineName, launchServer, oneGenericWorker, ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/**
 * `kill -9` at any moment under a load of everything, then a start: what was accepted is finished, waits or is a dead letter, nothing
 * stays `running`, nothing is left over. A failure prints its seed; TAIBAI_TEST_CRASH_SEED repeats the moments,
 * TAIBAI_TEST_CRASH_ROUNDS makes it longer (`npm run soak -- --kill`), and tells what was counted.
 */

/** Only what workers leave behind differs from engine to engine. */
const roundsOf = (engine: EngineName): number =>
  Number(process.env.TAIBAI_TEST_CRASH_ROUNDS ?? (engine === 'docker' ? 3 : 6))
const isLong = process.env.TAIBAI_TEST_CRASH_ROUNDS !== undefined
const seedOfRun = Number(process.env.TAIBAI_TEST_CRASH_SEED ?? Math.floor(Math.random() * 2 ** 32))

/** What a client was told before the server died. */
interface Promised {
  /** Executions answered with 201 or 202, with what they are to return; null: they fail, and are to be dead letters. */
  accepted: Map<string, number | null>
  syncCalls: number
  /** The newest code that an update was answered for, and that was sent. */
  version: { answered: number; sent: number }
}

for (const { engine, run } of engines) {
  run(`A server with the ${engine} engine that is killed again and again`, () => {
    const rounds = roundsOf(engine)
    test('keeps every promise and leaves nothing over', { timeout: 300_000 + rounds * 20_000 }, async () => {
      onTestFailed(() => console.error(`TAIBAI_TEST_CRASH_SEED=${seedOfRun}`))
      const random = randomFrom(seedOfRun)
      await using data = new DataFolder()
      const promised: Promised = { accepted: new Map(), syncCalls: 0, version: { answered: 1, sent: 1 } }
      const madeAt = Date.now()
      let jobs: string[] = []
      let hook = ''
      let round = 0
      for (; round < rounds && !isStopped(); round++) {
        await using server = await ServerProcess.start({ engine, data, settings: oneGenericWorker })
        if (round === 0) ({ jobs, hook } = await deploy(server, engine))
        expect(ledgerRows(data, "status = 'running' AND is_sync = 1")).toEqual([])
        expectAllThere(data, promised)
        await expectCode(server, promised)
        const client = keepAsking(server, hook, promised)
        const before = promised.accepted.size
        await pause(200 + random() * 1500)
        // However slow the machine is.
        await waitUntil(
          'some was accepted',
          () => promised.accepted.size > before + 5 && promised.syncCalls > round,
          60_000,
        )
        await server.kill()
        await client
        if (random() < 0.4) await killWhileStarting(engine, data, random() * 1200)
        tell({ round: round + 1, accepted: promised.accepted.size, syncCalls: promised.syncCalls })
      }
      expect(promised.accepted.size).toBeGreaterThan(round * 5)
      expect(promised.syncCalls).toBeGreaterThanOrEqual(round)

      await using server = await ServerProcess.start({ engine, data })
      await Promise.all(jobs.map((id) => server.must('PUT', `/v1/jobs/${id}`, { json: { status: 'paused' } })))
      await waitUntil('every run is over', () => ledgerCount(data, isUnderWay) === 0, 240_000)
      await expectPromisesKept(server, promised)
      expectBegunAsOftenAsSaid(data)
      if (isLong) tell({ counts: countsOf(data, promised, round) })
      for (const id of jobs) await expectEachRunOnce(server, id, madeAt)
      await expectCode(server, promised)
      await expectOnlyOwnWorkers(server, engine)
      expect(await server.stop()).toEqual({ code: 0, signal: null })
      expect(data.workerFolders()).toEqual([])
      for (const name of ['taibai.db', 'ledger.db']) expectWhole(join(data.path, name))
    })
  })
}

describe('The moments of a crash', () => {
  test('are the same for the same seed', () => {
    const [one, two] = [randomFrom(7), randomFrom(7)]
    expect([one(), one(), one()]).toEqual([two(), two(), two()])
  })
})

async function deploy(server: ServerProcess, engine: EngineName): Promise<{ jobs: string[]; hook: string }> {
  // Few workers with room for many calls: what is tested is the server, and the machine may be small.
  const env = engine === 'process' ? { BEGUN: begunFile(server.data) } : {}
  const id = await server.deploy('work', work, { concurrency: 16, max_workers: 2, env })
  const retries = { max_attempts: 2, on: ['failed', 'error'], backoff: { first: 0.1 } }
  await server.deploy('doomed', doomed, { concurrency: 16, max_workers: 1, retries })
  await server.deploy('changing', versionOf(1))
  const ticks = await server.deploy('tick', 'export const main = () => "tock"', { concurrency: 16, max_workers: 1 })
  const job = (more: object) => ({
    function_id: ticks,
    pattern: '* * * * * *',
    missed: 'all',
    missed_limit: 1000,
    ...more,
  })
  const made = [job({}), job({ count: 10_000, overlap: 'queue' })].map((json) =>
    server.must('POST', '/v1/jobs', { json }),
  )
  const jobs = (await Promise.all(made)).map(({ json }) => json.id)
  const hook = (await server.must('POST', '/v1/webhooks', { json: { function_id: id } })).json.id
  return { jobs, hook }
}

/** Asks at a steady rate until the server is gone. */
async function keepAsking(server: ServerProcess, hook: string, promised: Promised): Promise<void> {
  await Promise.all([
    repeat(server, 15, (n) => acceptOne(server, hook, n, promised)),
    repeat(server, 30, (n) => callOne(server, n, promised)),
    repeat(server, 250, () => changeCode(server, promised)),
    repeat(server, 700, (n) => comeAndGo(server, n)),
  ])
}

/** One after the other. Only its death may cut a caller off: whoever is before is left in the lurch by a server that lives. */
async function repeat(server: ServerProcess, everyMs: number, ask: (n: number) => Promise<void>): Promise<void> {
  for (let n = 0; server.program.exit === null; n++) {
    await ask(n).catch((error: unknown) => {
      if (!server.isEndAsked || !isCutOff(error)) throw error
    })
    await pause(everyMs)
  }
}

/** Nobody answered, or the answer broke off. */
const isCutOff = (error: unknown): boolean =>
  error instanceof UnreachableError || (error as NodeJS.ErrnoException).code === 'ECONNRESET'

async function acceptOne(server: ServerProcess, hook: string, n: number, { accepted }: Promised): Promise<void> {
  const input = { n, ms: n % 50 }
  if (n % 5 === 4) {
    const asked = { json: input, headers: { 'x-n': String(n) }, token: null }
    const answer = await server.ask('POST', `/v1/webhooks/${hook}/invoke`, asked)
    if (answer.status === 202) accepted.set(answer.json.execution_id, n)
    return
  }
  const isDoomed = n % 5 === 2
  const json = { function_id: isDoomed ? 'doomed' : 'work', input: JSON.stringify(input), sync: false }
  const answer = await server.ask('POST', '/v1/executions', { json })
  if (answer.status === 201) accepted.set(answer.json.id, isDoomed ? null : n)
}

async function callOne(server: ServerProcess, n: number, promised: Promised): Promise<void> {
  const answer = await server.ask('POST', '/fn/work', { json: { n, ms: n % 20 } })
  if (answer.status !== 200) return
  expect(answer.json).toBe(n)
  promised.syncCalls++
}

async function changeCode(server: ServerProcess, { version }: Promised): Promise<void> {
  const next = ++version.sent
  const code = { source: 'inline', filename: 'main.mjs', content: versionOf(next) }
  const answer = await server.ask('PUT', '/v1/functions/changing', { json: { code } })
  expect(answer.status).toBe(200)
  version.answered = next
}

/** A function that is there for one call. */
async function comeAndGo(server: ServerProcess, n: number): Promise<void> {
  const name = `short-lived-${server.program.pid}-${n}`
  await server.deploy(name, versionOf(n))
  expect((await server.ask('POST', `/fn/${name}`)).json).toBe(n)
  await server.must('DELETE', `/v1/functions/${name}`)
}

async function killWhileStarting(engine: EngineName, data: DataFolder, afterMs: number): Promise<void> {
  const starting = launchServer({ engine, data, settings: oneGenericWorker })
  await pause(afterMs)
  starting.signal('SIGKILL')
  await starting.exited
}

async function expectCode(server: ServerProcess, { version }: Promised): Promise<void> {
  const served = (await server.must('POST', '/fn/changing')).json
  expect(served).toBeGreaterThanOrEqual(version.answered)
  expect(served).toBeLessThanOrEqual(version.sent)
  version.answered = served
}

async function expectPromisesKept(server: ServerProcess, { accepted }: Promised): Promise<void> {
  const rows = new Map(ledgerRows(server.data).map((row) => [row.id, row]))
  for (const [id, n] of accepted) {
    const row = rows.get(id)
    // A run that was interrupted as often as the platform tries may end with that for a reason.
    if (row?.status === 'error') expect(JSON.parse(row.error as string).message).toMatch(cutOff)
    else if (n === null) expect(row, `accepted ${id}`).toMatchObject({ status: 'failed', attempt: 2 })
    else expect(row, `accepted ${id}`).toMatchObject({ status: 'success', output: String(n) })
    if (row?.status !== 'success') expect(row?.dead_at, `accepted ${id}`).toBeGreaterThan(0)
  }
  const { json: fn } = await server.must('GET', '/v1/functions/work')
  const ofWork = [...rows.values()].filter((row) => row.function_id === fn.id)
  expect(fn.count).toBeGreaterThanOrEqual(ofWork.length)
  expect(ofWork.length).toBeGreaterThanOrEqual(accepted.size)
  for (const row of rows.values()) {
    expect(['success', 'failed', 'error']).toContain(row.status)
    if (row.status === 'error') expect(JSON.parse(row.error as string).message).toMatch(/^The server ended/)
  }
}

const cutOff = /^The server ended while this run was running/

/** A run that ended may be tried again at its time. */
const isUnderWay = "status = 'running' OR run_at IS NOT NULL"

/** Nothing that was accepted is missing, in whatever state it is. */
function expectAllThere(data: DataFolder, { accepted }: Promised): void {
  const there = new Set(ledgerRows(data).map(({ id }) => id))
  expect([...accepted.keys()].filter((id) => !there.has(id))).toEqual([])
}

const begunFile = (data: DataFolder): string => join(data.path, '..', `begun-of-${basename(data.path)}`)

/** More than once only where the record says so. */
function expectBegunAsOftenAsSaid(data: DataFolder): void {
  if (!existsSync(begunFile(data))) return
  const begun = new Map<string, number>()
  for (const id of readFileSync(begunFile(data), 'utf8').trim().split('\n')) begun.set(id, (begun.get(id) ?? 0) + 1)
  rmSync(begunFile(data))
  const more = ledgerRows(data, 'is_sync = 0').filter(({ attempt, id }) => (begun.get(id) ?? 0) > attempt)
  expect(more.map(({ id, attempt }) => ({ id, attempt, begun: begun.get(id) }))).toEqual([])
}

function countsOf(data: DataFolder, { accepted, syncCalls, version }: Promised, round: number): string {
  const rows = ledgerRows(data, 'is_sync = 0').filter(({ id }) => accepted.has(id))
  const count = (isSo: (row: LedgerRow) => boolean) => rows.filter(isSo).length
  const [finished, dead] = [count(({ status }) => status === 'success'), count(({ dead_at }) => dead_at !== null)]
  const again = [1, 2, 3, 4, 5].map((attempt) => `${attempt}: ${count((row) => row.attempt === attempt)}`)
  const interrupted = count(({ status }) => status === 'error')
  const queued = count(({ status, run_at }) => status === 'running' || run_at !== null)
  expect(finished + queued + dead).toBe(accepted.size)
  return [
    `${round} rounds of kill -9: ${accepted.size} accepted = ${finished} finished + ${queued} queued + ${dead} dead letters`,
    `(of which ${interrupted} because the server ended too often while they ran); begun as often as ${again.join(', ')};`,
    `${syncCalls} sync calls answered, ${version.answered} versions of one function, ${ledgerRows(data, "trigger = 'job'").length} runs of jobs`,
  ].join('\n')
}

/** For `npm run soak -- --kill`, which follows this file. */
function tell(news: object): void {
  const file = process.env.TAIBAI_TEST_CRASH_NEWS
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(news)}\n`)
}

/** No further round: what was counted so far is checked. */
const isStopped = (): boolean => existsSync(`${process.env.TAIBAI_TEST_CRASH_NEWS ?? ''}.stop`)

/** Due every second, and missed runs are made up: so each second has its run, and the job's count says how many. */
async function expectEachRunOnce(server: ServerProcess, jobId: string, madeAt: number): Promise<void> {
  const runs = runsOf(server.data, jobId)
  const due = dueTimes(jobId, runs, madeAt)
  expect(gaps(due)).toEqual([])
  for (const run of runs) expect(run.status === 'success' || run.attempt >= 5, JSON.stringify(run)).toBe(true)
  const { json: job } = await server.must('GET', `/v1/jobs/${jobId}`)
  if (job.count !== null) expect(job.count + runs.length).toBe(10_000)
}

/** What an earlier server left is gone: every worker that exists is one that this server knows. */
async function expectOnlyOwnWorkers(server: ServerProcess, engine: EngineName): Promise<void> {
  const { data } = server
  const odd = async () =>
    engine === 'docker' ? await data.oddWorkers() : data.workerProcesses().slice(data.workerFolders().length)
  await expect.poll(odd, { timeout: 90_000, interval: 100 }).toEqual([])
  expect(data.workerFolders().length).toBeLessThan(12)
  expect(readdirSync(join(data.path, 'packages')).filter((name) => name.startsWith('.'))).toEqual([])
}

function expectWhole(path: string): void {
  const database = new Sqlite(path, { readonly: true })
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
  database.close()
}

/** A small generator (mulberry32): numbers from 0 to 1. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const work = `
import { appendFileSync } from 'node:fs'
export async function main({ n, ms }, { trigger, request, executionId }) {
  if (process.env.BEGUN) appendFileSync(process.env.BEGUN, executionId + '\\n')
  await new Promise((resolve) => setTimeout(resolve, ms))
  return trigger === 'webhook' ? Number(request?.headers['x-n']) : n
}
`

const doomed = `
export async function main({ ms }) {
  await new Promise((resolve) => setTimeout(resolve, ms))
  throw new Error('doomed')
}
`

const versionOf = (version: number): string => `export const main = () => ${version}`
