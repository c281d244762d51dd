import { cpSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { DataFolder } from '../support/data-folder.ts'
import { ended } from '../support/executions-of.ts'
import { ledgerCount, ledgerRows } from '../support/ledger-file.ts'
import { ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** What a data folder holds, from one server to the next. */

const day = 86_400_000
const echo = 'export const main = (event) => { console.log("said", event.n); return event.n }'

/** One accepted run, and what it looked like when it was accepted. */
async function runOne(server: ServerProcess): Promise<string> {
  const json = { function_id: 'echo', input: '{"n": 7}', sync: false }
  const { id } = (await server.must('POST', '/v1/executions', { json })).json
  await ended(server, id)
  return id
}

/** Copies of a run in the ledger of a server that does not run, with these columns changed. */
function copyRun(data: DataFolder, id: string, count: number, changes: Record<string, string>): void {
  const ledger = new Sqlite(join(data.path, 'ledger.db'))
  const all = ledger.prepare('SELECT name FROM pragma_table_info(?)').pluck().all('executions') as string[]
  const values = all.map((name) => changes[name] ?? name)
  ledger
    .prepare(
      `WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?)
      INSERT INTO executions (${all}) SELECT ${values} FROM counted, executions WHERE id = ?`,
    )
    .run(count, id)
  ledger.close()
}

describe('The data folder of a server', () => {
  test('keeps everything that lasts: executions, functions, tokens; also when it is copied elsewhere', async () => {
    await using data = new DataFolder()
    await using copy = new DataFolder()
    await using first = await ServerProcess.start({ data })
    await first.deploy('echo', echo, { env: { A: 'b' } })
    const id = await runOne(first)
    const token = (await first.must('POST', '/v1/tokens', { json: { name: 'other' } })).json.token
    const shown = (await first.must('GET', `/v1/executions/${id}`)).json
    const fn = (await first.must('GET', '/v1/functions/echo')).json
    await first.stop()
    cpSync(data.path, copy.path, { recursive: true })
    for (const folder of [data, copy]) {
      await using next = await ServerProcess.start({ data: folder })
      expect((await next.must('GET', `/v1/executions/${id}`, { token })).json).toEqual(shown)
      expect((await next.must('GET', `/v1/executions/${id}/log`)).text).toContain('said 7\n')
      expect((await next.must('GET', '/v1/functions/echo')).json).toEqual(fn)
      const again = await next.ask('POST', '/fn/echo', { json: { n: 8 } })
      expect(again).toMatchObject({ status: 200, json: 8 })
      expect(again.headers.get('server-timing')).toMatch(/start;desc="(cold|prewarmed) restart"/)
      await next.stop()
    }
  })

  test('may hold 10,000 accepted runs at a start, which answers at once and runs them all', async () => {
    await using data = new DataFolder()
    await using first = await ServerProcess.start({ data })
    await first.deploy('echo', echo, { concurrency: 64, max_workers: 2 })
    const id = await runOne(first)
    await first.stop()
    copyRun(data, id, 10_000, {
      id: "printf('00000000-0000-7000-8000-%012x', n)",
      status: "'running'",
      output: 'NULL',
      log: "''",
      updated_at: 'NULL',
    })
    await using next = await ServerProcess.start({ data })
    expect(next.log).toContainEqual(
      expect.objectContaining({ msg: 'going on with accepted executions', executions: 10_000 }),
    )
    expect(await next.ask('POST', '/fn/echo', { json: { n: 9 } })).toMatchObject({ status: 200, json: 9 })
    expect(ledgerCount(data, "status = 'running'"), 'answered before the others have run').toBeGreaterThan(0)
    await waitUntil('all have run', () => ledgerCount(data, "status = 'running'") === 0, 240_000)
    expect(ledgerCount(data, "status = 'success' AND output = '7'")).toBe(10_001)
    await next.stop()
  })

  test('loses executions that are too old or too many, never unfinished ones; counts stay', async () => {
    await using data = new DataFolder()
    await using first = await ServerProcess.start({ data })
    await first.deploy('echo', echo)
    const id = await runOne(first)
    const { created_at: now } = ledgerRows(data)[0] as { created_at: number }
    await first.stop()
    const fresh = { id: "printf('00000000-0000-7000-8000-%012x', n)", created_at: `${now} + n` }
    const old = { id: "printf('00000000-0000-7000-9000-%012x', n)", created_at: `${now - 31 * day} + n` }
    const unfinished = { ...old, id: "printf('00000000-0000-7000-a000-%012x', n)", status: "'running'" }
    copyRun(data, id, 300, fresh)
    copyRun(data, id, 600, old)
    copyRun(data, id, 3, unfinished)

    const settings = { TAIBAI_KEEP_EXECUTIONS_PER_PROJECT: '100' }
    await using next = await ServerProcess.start({ data, settings })
    await waitUntil('old ones are gone', () => ledgerCount(data) <= 103)
    const kept = ledgerRows(data, 'created_at >= ?', now)
    expect(kept.map(({ created_at }) => created_at - now)).toEqual(
      Array.from({ length: kept.length }, (_, n) => n + 301 - kept.length),
    )
    expect(kept.length).toBeGreaterThanOrEqual(97)
    for (const { id: one } of ledgerRows(data, "id LIKE '%-a000-%'")) {
      expect(await ended(next, one)).toMatchObject({ status: 'success', output: 7 })
    }
    expect((await next.must('GET', '/v1/functions/echo')).json.count).toBe(1)
    await next.stop()
  })
})
