import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DataFolder } from '../support/data-folder.ts'
import { dueTimes, gaps, runsOf } from '../support/job-runs-of.ts'
import type { LedgerRow } from '../support/ledger-file.ts'
import { ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Jobs of a whole server, by the clock of the machine. */

const everySecond = '* * * * * *'
const second = 1000

describe('Jobs of a server', () => {
  const data = new DataFolder()
  let server: ServerProcess
  beforeAll(async () => {
    server = await ServerProcess.start({ data })
    await server.deploy('tick', 'export const main = (event) => event.tick')
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await data[Symbol.asyncDispose]()
  })

  const make = async (more: object): Promise<string> => {
    const json = { function_id: 'tick', pattern: everySecond, function_input: '{"tick": "tock"}', ...more }
    return (await server.must('POST', '/v1/jobs', { json })).json.id
  }
  const show = async (id: string) => (await server.must('GET', `/v1/jobs/${id}`)).json

  test('are refused with what is wrong', async () => {
    const refused = [
      { pattern: '* * * * * * *' },
      { pattern: '61 * * * *' },
      { timezone: 'Moon/Tranquility' },
      { pattern: undefined, first_execution_time: new Date(Date.now() + 5000).toISOString() },
    ]
    for (const more of refused) {
      const json = { function_id: 'tick', pattern: everySecond, ...more }
      expect((await server.ask('POST', '/v1/jobs', { json })).status, JSON.stringify(more)).toBe(400)
    }
  })

  test('run at each due time once, never early, and are recorded', async () => {
    const madeAt = Date.now()
    const id = await make({ count: 4 })
    await waitUntil('the job is done', async () => (await show(id)).status === 'done')
    expect(await show(id)).toMatchObject({ count: 0 })
    const runs = await waitUntil('its runs are over', () => {
      const rows = runsOf(data, id)
      return rows.length === 4 && rows.every(({ status }) => status !== 'running') && rows
    })
    const due = dueTimes(id, runs, madeAt)
    for (const [at, run] of runs.entries()) {
      expect(run).toMatchObject({ status: 'success', output: '"tock"', trigger: 'job', is_sync: 0 })
      expect(run.created_at).toBeGreaterThanOrEqual(due[at] as number)
    }
    expect(gaps(due)).toEqual([])
    await pause(1500)
    expect(runsOf(data, id)).toHaveLength(4)
  })

  test('rest while they are paused, and go on when resumed', async () => {
    const id = await make({})
    await waitUntil('it has run', () => runsOf(data, id).length > 0)
    await server.must('PUT', `/v1/jobs/${id}`, { json: { status: 'paused' } })
    const pausedAt = Date.now()
    await pause(2500)
    const before = runsOf(data, id).length
    expect(runsOf(data, id).filter((run) => run.created_at > pausedAt)).toEqual([])
    await server.must('PUT', `/v1/jobs/${id}`, { json: { status: 'running' } })
    await waitUntil('it runs again', () => runsOf(data, id).length > before)
    await server.must('DELETE', `/v1/jobs/${id}`)
    expect((await server.ask('GET', `/v1/jobs/${id}`)).status).toBe(404)
  })

  test('treat runs that a downtime swallowed as each job says', async () => {
    const madeAt = Date.now()
    const [skip, once, all] = await Promise.all(['skip', 'once', 'all'].map((missed) => make({ missed })))
    const ids = [skip, once, all] as [string, string, string]
    await waitUntil('all have run', () => ids.every((id) => runsOf(data, id).length > 1))
    await server.kill()
    const lastBefore = ids.map((id) => dueTimes(id, runsOf(data, id), madeAt).at(-1) as number)
    await pause(4000)
    server = await ServerProcess.start({ data })
    const readyAt = Date.parse(server.log.find(({ msg }) => msg === 'taibai is ready').time)
    await waitUntil('all run on', () =>
      ids.every((id) => (runsOf(data, id).at(-1) as LedgerRow).created_at > readyAt + 2 * second),
    )
    await Promise.all(ids.map((id) => server.must('PUT', `/v1/jobs/${id}`, { json: { status: 'paused' } })))

    const [skipped, made, whole] = ids.map((id) => dueTimes(id, runsOf(data, id), madeAt)) as [
      number[],
      number[],
      number[],
    ]
    expect(gaps(whole)).toEqual([])
    expect(gaps(skipped)).toEqual([lastBefore[0]])
    const firstMissed = (lastBefore[1] as number) + second
    expect(made).toContain(firstMissed)
    expect(gaps(made)).toEqual([firstMissed])
    for (const id of ids) {
      const runs = runsOf(data, id)
      for (const [at, due] of dueTimes(id, runs, madeAt).entries())
        expect((runs[at] as LedgerRow).created_at).toBeGreaterThanOrEqual(due)
    }
  })
})
