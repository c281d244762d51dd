import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { DataFolder } from '../support/data-folder.ts'
import { projectFolder, ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/**
 * Data folders as earlier programs left them, made by `scripts/data-fixture.ts`: today's program opens them as they are.
 * A server that was stopped, and one that was killed with runs under way and queued.
 */

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Json = any

interface Recorded {
  /** What the program that made the folder answered, by path. */
  answers: Record<string, Json>
  /** Ids of executions of the killed server. */
  begun: string
  queued: string[]
  syncBegun: string
}

/** As the servers had it that made the folders. */
const settings = { TAIBAI_PUBLIC_URL: 'https://fixture.example' }

const fixturesFolder = join(projectFolder, 'test/fixtures')
const fixtures = readdirSync(fixturesFolder).filter((name) => name.endsWith('.tgz'))
const unpacked = mkdtempSync(join(tmpdir(), 'taibai-fixtures-'))

afterAll(() => rmSync(unpacked, { recursive: true }))

describe.each(fixtures.map((file) => basename(file, '.tgz')))('The data folder %s', (name) => {
  execFileSync('tar', [
    '-xzf',
    join(fixturesFolder, `${name}.tgz`),
    '-C',
    unpacked,
    '--one-top-level',
    '--no-same-owner',
  ])
  const folder = join(unpacked, name)
  const recorded: Record<'stopped' | 'killed', Recorded> = JSON.parse(
    readFileSync(join(folder, 'answers.json'), 'utf8'),
  )

  test('answers as it did after a stop, and its versions and aliases run', async () => {
    await using data = dataFrom(join(folder, 'stopped'))
    await using server = await ServerProcess.start({ data, settings })
    await expectSameAnswers(server, recorded.stopped.answers, [])
    expect(await resultOf(server, { function_id: 'greet' })).toEqual({ version: 0, hello: 'you' })
    expect(await resultOf(server, { function_id: 'greet', function_version: 1 })).toEqual({ hello: 'you' })
    expect(await resultOf(server, { function_alias: 'live' })).toEqual({ hello: 'you' })
    expect(await resultOf(server, { function_alias: 'next' })).toEqual({ version: 2, hello: 'you' })
    expect(await resultOf(server, { function_id: 'zipped' })).toBe(2)
    expect(await resultOf(server, { function_id: 'snake', input: '1' })).toEqual({ python: 1 })
    expect((await server.ask('GET', '/fn/web/teapot')).status).toBe(418)
    for (const { id } of recorded.stopped.answers['/v1/webhooks'].webhooks) {
      expect((await server.ask('POST', `/v1/webhooks/${id}/invoke`, { token: null })).status).toBe(202)
    }
    expect(await server.stop()).toEqual({ code: 0, signal: null })
  })

  test('has every row after a kill, and what was accepted runs', async () => {
    const { answers, begun, queued, syncBegun } = recorded.killed
    await using data = dataFrom(join(folder, 'killed'))
    await using server = await ServerProcess.start({ data, settings })
    await expectSameAnswers(server, answers, [begun, ...queued, syncBegun])
    const ended = await waitUntil('every accepted run is over', async () => {
      const rows = await Promise.all([begun, ...queued].map((id) => executionOf(server, id)))
      return rows.every(({ status }) => status !== 'running') && rows
    })
    expect(ended.map(({ status, output }) => ({ status, output }))).toEqual(
      ended.map((_row, n) => ({ status: 'success', output: n })),
    )
    expect(ended[0].attempt).toBe(2)
    expect(await executionOf(server, syncBegun)).toMatchObject({ status: 'error', error: { type: 'PlatformError' } })
  })
})

/** A copy: the fixture stays as it is. */
function dataFrom(folder: string): DataFolder {
  const data = new DataFolder()
  cpSync(folder, data.path, { recursive: true })
  return data
}

/** More fields and more built-in runtimes are fine. `changed`: executions whose state is another by now. */
async function expectSameAnswers(
  server: ServerProcess,
  answers: Record<string, Json>,
  changed: string[],
): Promise<void> {
  for (const [path, before] of Object.entries(answers)) {
    if (changed.some((id) => path.endsWith(id))) continue
    const [[list, rows]] = Object.entries<Json>(before) as [[string, Json]]
    const { json } = await server.must('GET', path)
    if (!Array.isArray(rows)) expect(json, path).toMatchObject(before)
    else
      for (const row of rows)
        if (!changed.includes(row.id))
          expect(json[list], path).toContainEqual(expect.objectContaining(lasting(path, row)))
  }
}

/** The image, version and times of a built-in runtime are those of today's program. */
function lasting(path: string, row: Json): Json {
  if (path !== '/v1/runtimes') return row
  const { image, description, updated_at, ...lasts } = row
  return lasts
}

const executionOf = async (server: ServerProcess, id: string): Promise<Json> =>
  (await server.must('GET', `/v1/executions/${id}`)).json

async function resultOf(server: ServerProcess, asked: object): Promise<Json> {
  const { json } = await server.must('POST', '/v1/executions', { json: { input: '{}', ...asked } })
  expect(json, JSON.stringify(json)).toMatchObject({ status: 'success' })
  return json.output
}
