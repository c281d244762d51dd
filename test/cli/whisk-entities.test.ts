/** What a manifest of wskdeploy has beside functions is made once: the same manifest again changes nothing. */
import { expect, test } from 'vitest'
import { whiskSteps } from '../../src/cli/foreign/whisk-entities.ts'
import type { Client } from '../../src/client/client.ts'
import { makeTestApp } from '../support/test-app.ts'

type Asked = { query?: Record<string, unknown>; json?: unknown }

test.each([
  ['alarm', { cron: '0 6 * * *', trigger_payload: { a: 1 } }],
  ['alarm', { cron: '0 6 * * *', startDate: '2099-01-02T03:04:05Z' }],
  ['alarm', { cron: '0 6 * * *', maxTriggers: 3 }],
  ['interval', { minutes: 15 }],
  ['interval', { minutes: 120, timezone: 'Europe/Berlin' }],
  ['once', { date: '2099-01-02T03:04:05Z' }],
] as const)('a trigger with %s %j', async (feed, values) => {
  const app = makeTestApp()
  const request = (method: string, path: string, { query = {}, json }: Asked) => {
    const asked = Object.entries(query).map(([key, value]): [string, string] => [key, `${value}`])
    return app.request(method, `${path}?${new URLSearchParams(asked)}`, { json: json as object })
  }
  const requestOk = async (method: string, path: string, asked: Asked) => {
    const answer = await request(method, path, asked)
    expect(answer.status, answer.text).toBe(200)
    return answer
  }
  const client = { connection: { request, requestOk } } as unknown as Client
  const entity = { kind: 'trigger' as const, name: 'dawn', body: {}, alarm: { feed, values } }
  const [step] = await whiskSteps(client, [entity])
  expect(step).toMatchObject({ kind: 'create', details: ['alarm'] })
  await step?.take()
  expect(await whiskSteps(client, [entity])).toEqual([])
  const fewer = { ...entity, alarm: { feed, values: { ...values, maxTriggers: 2 } } }
  expect(await whiskSteps(client, [fewer])).toMatchObject([{ kind: 'change', details: ['alarm'] }])
  const other = { ...entity, alarm: { feed: 'interval', values: { minutes: 30 } } }
  expect(await whiskSteps(client, [other])).toMatchObject([{ kind: 'change', details: ['alarm'] }])
})
