import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { CloudUser } from '../../scripts/openstack/cloud-user.ts'
import { foundIn, OpenStackStack, stackPassword } from '../../scripts/openstack/stack.ts'
import {
  alarmStory,
  failingServiceStory,
  messageStory,
  resultStory,
  type Stage,
  uploadByAlarmStory,
  uploadBySourceStory,
} from '../../scripts/openstack/stories.ts'
import { ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** What happens in OpenStack runs functions: the stories of `scripts/demo-openstack`, and how they end. */

const found = await OpenStackStack.startOrSkip(['keystone', 'swift', 'zaqar', 'aodh', 'events'])
const stack = found as OpenStackStack

describe.skipIf(found === null)('With Zaqar, Aodh and Swift', () => {
  let server: ServerProcess
  let user: CloudUser
  let undone: (() => Promise<unknown>)[] = []
  let told = 0

  beforeAll(async () => {
    // The functions reach services that listen on loopback only: containers could not.
    server = await ServerProcess.start({ settings: { ...stack.settings, TAIBAI_LOG_LEVEL: 'debug' } })
    user = await CloudUser.logIn(stack.env as never, server.url, 'demo', stackPassword)
  })
  afterEach(async () => {
    for (const undo of undone.reverse()) await undo()
    undone = []
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await stack?.[Symbol.asyncDispose]()
  })

  const stage = (): Stage => ({
    user,
    prefix: `story${++told}-${process.pid}`,
    emitEvent: (type, traits) => stack.emitEvent(type, traits),
    say: () => {},
    undo: (what) => undone.push(what),
  })

  test('a message in a queue runs the function whose webhook is subscribed', async () => {
    const run = await messageStory(stage())
    expect(run).toMatchObject({ trigger: 'webhook', output: { body: { tea: 'green', cups: 2 } } })
    expect(run.output).toMatchObject({ queue_name: expect.stringContaining('orders'), Message_Type: 'Notification' })
  })

  test('an alarm runs the function whose webhook is its action, for the events it is for', async () => {
    const run = await alarmStory(stage())
    expect(run).toMatchObject({ trigger: 'webhook', output: { current: 'alarm' } })
    expect(run.output.reason_data.event.traits).toContainEqual(['host', 1, 'node-1'])
  })

  test('an upload runs a function that reads the object and writes a result back, through an alarm', async () => {
    const { run, result } = await uploadByAlarmStory(stage())
    expect(JSON.parse(result)).toEqual({ object: 'poem.txt', words: 6 })
    expect(run).toMatchObject({ trigger: 'webhook', output: 6 })
  })

  test('and through a source of ours', async () => {
    const { run, result, source } = await uploadBySourceStory(stage())
    expect(JSON.parse(result)).toEqual({ object: 'song.txt', words: 3 })
    expect(run).toMatchObject({ trigger: 'event', output: 3 })
    expect(JSON.parse(run.input)).toMatchObject({ type: 'object.created', object: 'song.txt', bytes: 17, source })
  })

  test('a function that is told of a failing service reports it to a queue, and a second one notifies somebody', async () => {
    const { told: text, runs } = await failingServiceStory(stage())
    expect(text).toBe('database is down: please look at it.')
    expect(runs).toMatchObject([
      { trigger: 'webhook', output: 201 },
      { trigger: 'webhook', output: { status: 200 } },
    ])
  })

  test('the result of an accepted run is a CloudEvent in a queue', async () => {
    const { run, message } = await resultStory(stage())
    expect(message).toMatchObject({
      ...{ specversion: '1.0', type: 'io.taibai.execution.succeeded', subject: run.id },
      data: { execution_id: run.id, status: 'success', output: { tea: 'green', cups: 2 } },
    })
    const to = { queue: expect.stringContaining('results'), ttl: 300 }
    expect(run.delivery).toEqual({ to, state: 'delivered', attempts: 1, error: null })
  })

  test('a result that Zaqar does not take is said to be undeliverable, in its words', async () => {
    const { undo, prefix } = stage()
    const code = { source: 'inline', filename: 'main.mjs', content: "export const main = () => 'x'.repeat(300_000)" }
    const wish = { name: `${prefix}-large`, runtime: 'nodejs', code }
    const { id: functionId } = await user.taibai('POST', '/v1/functions', wish)
    undo(() => user.taibai('DELETE', `/v1/functions/${functionId}`))
    const run = { function_id: functionId, sync: false, on_success: { queue: `${prefix}-large` } }
    const { id } = await user.taibai('POST', '/v1/executions', run)
    const deliveryOf = async () => (await user.taibai('GET', `/v1/executions/${id}`)).delivery
    await waitUntil('it was tried', async () => (await deliveryOf())?.attempts > 0)
    const error = expect.stringMatching(/^Zaqar does not take the message for the queue .*-large: .*size/)
    expect(await deliveryOf()).toMatchObject({ state: 'failed', attempts: 1, error })
  })

  test('no token is written down by the server, and no password', () => {
    const secrets = [user.token, stackPassword]
    expect(foundIn(server.data.path, secrets)).toEqual([])
    expect(secrets.filter((secret) => server.output.includes(secret))).toEqual([])
  })
})
