/** What Event Grid asks of the webhook of an app: its function `photos` puts what it sees into the queue `seen`. */
import { expect } from 'vitest'
import type { BoundWorker, HttpRequest } from './conformance-harness.ts'

const target = '/runtime/webhooks/EventGrid?functionName=photos&code=k'
const event = (id: string, subject = 's') => ({
  ...{ id, topic: 't', subject, eventType: 'Microsoft.Storage.BlobCreated' },
  ...{ eventTime: '2030-01-02T03:04:05Z', data: { n: 1 }, dataVersion: '1', metadataVersion: '1' },
})

export async function eventGridAnswers(worker: BoundWorker): Promise<void> {
  const asked = async (body: unknown, more: Partial<HttpRequest> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const call = { method: 'POST', target, key: 'function' as const, body: text, ...more }
    const outcome = await worker.fetch(call).outcome
    if (outcome.state !== 'answer') throw new Error(JSON.stringify(outcome))
    const outputs = outcome.outputs as { to: string; messages: string[] }[] | undefined
    const seen = outputs?.flatMap(({ messages }) => messages.map((message) => JSON.parse(message)))
    return {
      status: outcome.status,
      headers: outcome.headers,
      body: outcome.body.toString(),
      to: outputs?.[0]?.to,
      seen,
    }
  }
  const validation = {
    ...event('v'),
    eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
    data: { validationCode: 'abc' },
  }
  const handshake = await asked([validation], { headers: [['aeg-event-type', 'SubscriptionValidation']] })
  expect([handshake.status, JSON.parse(handshake.body)]).toEqual([200, { validationResponse: 'abc' }])
  const origin: [string, string][] = [['webhook-request-origin', 'eventgrid.azure.net']]
  const options = await asked('', { method: 'OPTIONS', headers: [...origin, ['webhook-request-rate', '9']] })
  expect(options).toMatchObject({ status: 200, seen: undefined })
  expect(options.headers).toEqual([
    ['webhook-allowed-origin', 'eventgrid.azure.net'],
    ['webhook-allowed-rate', '*'],
  ])
  const two = await asked([event('1'), event('2')])
  expect(two).toMatchObject({ status: 202, to: 'seen', seen: [{ id: '1', subject: 's', data: { n: 1 } }, { id: '2' }] })
  const cloud = { specversion: '1.0', id: 'c', source: '/s', type: 'made', subject: 'k', data: { n: 1 } }
  expect(await asked(cloud)).toMatchObject({ status: 202, seen: [{ id: 'c', subject: 'k', data: { n: 1 } }] })
  const binary: [string, string][] = [
    ...(['specversion', 'id', 'source', 'type', 'subject'] as const).map((name): [string, string] => [
      `ce-${name}`,
      cloud[name],
    ]),
    ['content-type', 'application/json'],
  ]
  expect(await asked({ n: 2 }, { headers: binary })).toMatchObject({
    seen: [{ id: 'c', subject: 'k', data: { n: 2 } }],
  })
  expect(await asked([event('1'), event('2', 'bad')])).toMatchObject({ status: 500, seen: undefined })
  expect((await asked('{')).status).toBe(400)
  expect(await asked([event('1'), 'no event'])).toMatchObject({ status: 400, seen: undefined })
  expect((await asked([event('1')], { target: target.replace('photos', 'nobody') })).status).toBe(404)
  const { status } = await asked([event('1')], { target: '/elsewhere' })
  expect(status, 'another path is a route of the app').toBe(200)
  const stored = await worker.call(event('4')).outcome
  expect(stored, 'an event of a source').toMatchObject({ state: 'value', outputs: [{ to: 'seen' }] })
  for (const name of ['photos', 'nobody']) {
    const keyless = worker.fetch({ method: 'POST', target: target.replace('photos', name), body: '[]' })
    expect(await keyless.outcome, 'names are told to nobody').toMatchObject({ status: 401 })
  }
}
