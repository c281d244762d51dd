import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CloudUrls, CloudUser } from '../../scripts/openstack/cloud-user.ts'
import { foundIn, OpenStackStack, stackPassword } from '../../scripts/openstack/stack.ts'
import { DataFolder } from '../support/data-folder.ts'
import { ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Services that stop, one after the other, and the server itself: what happens meanwhile is told later, and once. */

const found = await OpenStackStack.startOrSkip(['keystone', 'swift', 'zaqar', 'aodh', 'events'])
const stack = found as OpenStackStack
const patienceMs = 90_000

describe.skipIf(found === null)('When somebody stops', () => {
  let data: DataFolder
  let server: ServerProcess
  let user: CloudUser
  let url: string
  let webhook: string
  let source: string
  let told = 0
  const outputs: string[] = []
  const prefix = `failing-${process.pid}`
  const container = `${prefix}-in`
  const queue = `${prefix}-queue`
  const eventType = `${prefix}.event`

  /** On the same port each time: that is where the services call. */
  const start = (port = '0') =>
    ServerProcess.start({
      data,
      settings: {
        ...stack.settings,
        TAIBAI_PORT: port,
        TAIBAI_OPENSTACK_TIMEOUT_MS: '1500',
        TAIBAI_LOG_LEVEL: 'debug',
      },
    })

  beforeAll(async () => {
    data = new DataFolder()
    server = await start()
    user = await CloudUser.logIn(stack.env as unknown as CloudUrls, server.url, 'demo', stackPassword)
    const code = { source: 'inline', filename: 'main.mjs', content: 'export const main = (event) => event' }
    const wish = { name: 'told', runtime: 'nodejs', code, timeout: 30 }
    const { id } = await patiently(() => user.taibai('POST', '/v1/functions', wish))
    const hook = await patiently(() => user.taibai('POST', '/v1/webhooks', { function_id: id }))
    webhook = hook.id
    url = hook.webhook_url
    await user.putContainer(container)
    const watched = { type: 'swift', container, function_id: id, interval: 1, events: ['created', 'deleted'] }
    source = (await patiently(() => user.taibai('POST', '/v1/sources', watched))).id
    await user.createQueue(queue)
    await user.subscribe(queue, url)
  })
  beforeEach(() => {
    told++
  })
  afterAll(async () => {
    await user?.deleteContainer(container)
    await user?.deleteQueue(queue)
    await server?.[Symbol.asyncDispose]()
    await data?.[Symbol.asyncDispose]()
    await stack?.[Symbol.asyncDispose]()
  })

  /** What the function was told by one of the two, of the runs that succeeded. */
  async function toldBy(who: string): Promise<{ type?: string; object?: string; body?: string }[]> {
    const filter = `description=has:${who}&status=success`
    const { executions } = await patiently(() => user.taibai('GET', `/v1/executions?${filter}`))
    return executions.map(({ output }: { output: unknown }) => output)
  }
  const objectsTold = async () => (await toldBy(source)).map(({ type, object }) => `${type} ${object}`)
  const untilTold = (what: string) =>
    waitUntil(`the function is told: ${what}`, async () => (await objectsTold()).includes(what), patienceMs)
  const lastError = async (): Promise<string | null> =>
    (await patiently(() => user.taibai('GET', `/v1/sources/${source}`))).last_error

  test('Swift: the source says so, and tells later', async () => {
    await user.putObject(container, 'before', 'x')
    await untilTold('object.created before')
    stack.signal('swift-proxy', 'SIGKILL')
    try {
      await waitUntil(
        'the source says why',
        async () => (await lastError())?.startsWith('Swift cannot be reached'),
        patienceMs,
      )
    } finally {
      await stack.restore()
    }
    await user.putObject(container, 'after', 'x')
    await untilTold('object.created after')
    expect(await lastError()).toBeNull()
    expect((await objectsTold()).sort()).toEqual(['object.created after', 'object.created before'])
  })

  test('Swift does not answer: nobody waits longer than the limit, and changes are reported later', async () => {
    stack.signal('swift-proxy', 'SIGSTOP')
    try {
      await waitUntil('the source says why', async () => (await lastError())?.includes('did not answer'), patienceMs)
      const from = performance.now()
      const wish = { type: 'swift', container, function_id: 'told' }
      const refused = await server.ask('POST', '/v1/sources', { token: user.token, json: wish })
      expect(refused).toMatchObject({ status: 500, json: { code: 'openstack_failed' } })
      expect(performance.now() - from).toBeLessThan(10_000)
    } finally {
      stack.signal('swift-proxy', 'SIGCONT')
    }
    await user.putObject(container, 'answered', 'x')
    await untilTold('object.created answered')
  })

  test('Keystone: a source goes on with the token that it has', async () => {
    stack.signal('keystone', 'SIGSTOP')
    try {
      // Swift itself remembers for some seconds that our token was good.
      await user.putObject(container, 'without-keystone', 'x')
    } finally {
      stack.signal('keystone', 'SIGCONT')
    }
    await untilTold('object.created without-keystone')
  })

  test('the server, by kill -9: what is uploaded or deleted meanwhile is told after its start, and nothing twice', async () => {
    await server.kill()
    outputs.push(server.output)
    await user.putObject(container, 'while-down', 'x')
    await user.deleteObject(container, 'before')
    server = await start(new URL(url).port)
    await untilTold('object.created while-down')
    await untilTold('object.deleted before')
    const all = await objectsTold()
    expect(all.length).toBe(new Set(all).size)
  })

  test('the server while a message is posted: Zaqar calls again when it is back', async () => {
    await server.stop()
    outputs.push(server.output)
    await user.postMessage(queue, `message ${told}`)
    server = await start(new URL(url).port)
    const bodies = await waitUntil(
      'the message is told',
      async () => {
        const all = (await toldBy(webhook)).map(({ body }) => body)
        return all.includes(`message ${told}`) && all
      },
      patienceMs,
    )
    expect(bodies).toEqual([`message ${told}`])
  })

  test("Aodh's listener: the bus keeps the event, and the alarm fires when it is back", async () => {
    const alarm = await user.createAlarm(prefix, eventType, { colour: 'red' }, url)
    try {
      stack.signal('aodh-listener', 'SIGKILL')
      await stack.emitEvent(eventType, { colour: 'red' })
      await stack.restore()
      await waitUntil(
        'the alarm has fired',
        async () => {
          const texts = (await toldBy(webhook)).map((output) => JSON.stringify(output))
          return texts.some((text) => text.includes(eventType))
        },
        patienceMs,
      )
    } finally {
      await user.deleteAlarm(alarm)
    }
  })

  test('a container that is gone is said', async () => {
    await user.deleteContainer(container)
    await waitUntil('the source says why', async () => (await lastError())?.includes('no container'), patienceMs)
  })

  test('no token and no password was written down', () => {
    const secrets = [user.token, stackPassword]
    for (const text of [...outputs, server.output]) for (const secret of secrets) expect(text).not.toContain(secret)
    expect(foundIn(data.path, secrets)).toEqual([])
  })
})

/** Where Keystone is slow because the machine is busy, the server says within its short limit that it is to be asked again. */
// biome-ignore lint/suspicious/noExplicitAny: answers have a shape each
function patiently(ask: () => Promise<any>): Promise<any> {
  const askAgain = (error: Error): undefined => {
    if (!error.message.includes('auth_unavailable')) throw error
  }
  return waitUntil('Keystone answers the server', () => ask().catch(askAgain), patienceMs)
}
