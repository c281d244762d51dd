import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hasSession } from '../../src/domain/platform/openstack.ts'
import type { Log } from '../../src/domain/runs/log.ts'
import { zipOf } from '../../src/store/zip-of.ts'
import { aRuntime } from '../support/builders.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeOpenStack, impatient, misbehaviours, servicePassword } from '../support/fake-openstack.ts'
import { makeTestApp, type TestApp, type TestRequest } from '../support/test-app.ts'
import { waitUntil } from '../support/wait-until.ts'

/** The API with Keystone, over a fake of it that goes wrong on demand; what real services do is in `test/openstack/`. */

const zip = zipOf('main.mjs', 'export const main = () => 1')
const otherZip = zipOf('main.mjs', 'export const main = () => 2')
const half = 15_000

describe('With Keystone', () => {
  const clock = new FakeClock()
  let fake: FakeOpenStack
  let app: TestApp
  let openstack: ReturnType<FakeOpenStack['connect']>
  /** Everything that was logged, as text. */
  let logged: string

  const note = (keys: object, message: string) => {
    logged += `${JSON.stringify(keys)} ${message}\n`
  }
  const log: Log = { debug: note, info: note, warn: note, error: note, infoText() {} }

  async function connect(settings = {}): Promise<void> {
    openstack = fake.connect(settings, log)
    app = makeTestApp({ openstack, clock })
    app.stores.runtimes.insert(aRuntime({ name: 'nodejs' }))
    // On a busy machine an impatient one may give up before it was heard, and tries again when it is asked.
    await waitUntil('the service user has tried to log in', async () => {
      await Promise.resolve(openstack.authenticate('nobody')).catch(() => {})
      clock.advance(10_000)
      return fake.count('POST /v3/auth/tokens') > 0
    })
    fake.asked = []
  }

  beforeEach(async () => {
    logged = ''
    fake = await FakeOpenStack.start(clock)
    await connect()
  })
  afterEach(() => fake[Symbol.asyncDispose]())

  const ask = (token: string, method: string, path: string, asked: TestRequest = {}) =>
    app.request(method, path, { ...asked, token })
  const list = async (token: string): Promise<number> => (await ask(token, 'GET', '/v1/functions')).status
  const inline = { source: 'inline', filename: 'main.mjs', content: 'export const main = () => 1' }
  const create = (token: string, more: object = {}) =>
    ask(token, 'POST', '/v1/functions', { json: { runtime: 'nodejs', code: inline, ...more } })
  const checks = () => fake.count('GET /v3/auth/tokens')

  describe('a token', () => {
    test('that is not known, not for a project, or no token at all is refused', async () => {
      expect(await list('unknown')).toBe(401)
      expect(await list(fake.newToken({ project: null }))).toBe(403)
      const before = checks()
      expect(await list('x'.repeat(12_001))).toBe(401)
      expect(checks()).toBe(before)
    })

    test('is asked about once while it is believed, also by many at once', async () => {
      const token = fake.newToken()
      expect(await Promise.all(Array.from({ length: 20 }, () => list(token)))).toEqual(Array(20).fill(200))
      clock.advance(half - 1)
      expect(await list(token)).toBe(200)
      expect(checks()).toBe(1)
    })

    test('in use is checked again beside the calls, and refused when it was revoked', async () => {
      const token = fake.newToken()
      await list(token)
      fake.tokens.delete(token)
      clock.advance(half)
      expect(await list(token)).toBe(200)
      await waitUntil('it is refused', async () => (await list(token)) === 401)
      expect(checks()).toBe(2)
    })

    test('that nobody used is refused after the cache time', async () => {
      const token = fake.newToken()
      await list(token)
      fake.tokens.delete(token)
      clock.advance(30_000)
      expect(await list(token)).toBe(401)
    })

    test('that is not valid is not asked about again for some seconds', async () => {
      for (let n = 0; n < 5; n++) expect(await list('unknown')).toBe(401)
      expect(checks()).toBe(1)
      clock.advance(5000)
      await list('unknown')
      expect(checks()).toBe(2)
    })

    test('is over when it says so, whatever is believed', async () => {
      const token = fake.newToken({ seconds: 10 })
      expect(await list(token)).toBe(200)
      clock.advance(10_000)
      expect(await list(token)).toBe(401)
    })

    test('makes an admin by the role of exactly that name', async () => {
      for (const [role, status] of [
        ['admin', 200],
        ['Admin', 403],
        ['member', 403],
      ] as const) {
        const token = fake.newToken({ roles: [role] })
        expect((await ask(token, 'GET', '/v1/functions?all_projects=true')).status, role).toBe(status)
      }
    })
  })

  describe('when Keystone answers', () => {
    test.each(misbehaviours)('%s: new tokens wait, known ones go on', async (_how, misbehave, says) => {
      // A long answer may take longer than that on a busy machine.
      await connect(says.test('more than 4 MiB') ? {} : impatient)
      const known = fake.newToken()
      expect(await list(known)).toBe(200)
      fake.misbehave = misbehave
      const answer = await ask(fake.newToken(), 'GET', '/v1/functions')
      expect(answer, answer.text).toMatchObject({ status: 503, json: { code: 'auth_unavailable' } })
      expect(answer.json.faultstring).toMatch(says)
      expect(answer.headers.get('retry-after')).toBe('1')
      clock.advance(60_000)
      expect(await list(known)).toBe(200)
      expect(await list(known)).toBe(200)
      clock.advance(3_600_000)
      expect(await list(known)).toBe(401)
      for (const token of fake.tokens.keys()) expect(logged).not.toContain(token)
    })

    test('not at all: nobody waits twice within a second', async () => {
      await connect(impatient)
      fake.misbehave = () => true
      expect(await list(fake.newToken())).toBe(503)
      const before = fake.asked.length
      expect(await list(fake.newToken())).toBe(503)
      expect(fake.asked.length).toBe(before)
      fake.misbehave = () => false
      clock.advance(1000)
      expect(await list(fake.newToken())).toBe(200)
    })

    test('that a revoked token is not good, as soon as it can be asked again', async () => {
      await connect(impatient)
      const token = fake.newToken()
      await list(token)
      fake.misbehave = () => true
      clock.advance(60_000)
      expect(await list(token)).toBe(200)
      fake.tokens.delete(token)
      fake.misbehave = () => false
      clock.advance(1000)
      await waitUntil('it is refused', async () => {
        clock.advance(1000)
        return (await list(token)) === 401
      })
    })

    test("that the service user's own token is over: another one is got", async () => {
      for (const [token, { user }] of fake.tokens) if (user === 'taibai') fake.tokens.delete(token)
      expect(await list(fake.newToken())).toBe(200)
      expect(fake.asked).toEqual(['GET /v3/auth/tokens', 'POST /v3/auth/tokens', 'GET /v3/auth/tokens'])
    })

    test("that the service user's own token cannot be renewed: it is used to its end", async () => {
      await connect(impatient)
      fake.misbehave = (request) => request.method === 'POST'
      clock.advance(3_000_000)
      expect(await list(fake.newToken())).toBe(503)
      clock.advance(1000)
      fake.misbehave = (request, response) => request.method === 'POST' && response.writeHead(500).end() !== undefined
      expect(await list(fake.newToken())).toBe(200)
    })

    test('that the service user may not: 503, and the log says more', async () => {
      await connect({ keystonePassword: 'wrong-password' })
      const answer = await ask(fake.newToken(), 'GET', '/v1/functions')
      expect(answer).toMatchObject({ status: 503, json: { code: 'auth_unavailable' } })
      expect(answer.json.faultstring).toMatch(/service user/)
      expect(logged).toMatch(/cannot log in/)
      expect(logged + answer.text).not.toMatch(/wrong-password/)
    })
  })

  describe('a trust', () => {
    test('is made from the caller to the service user, with all their roles', async () => {
      const token = fake.newToken({ user: 'eve', project: 'blue', roles: ['member', 'creator'] })
      expect(await create(token)).toMatchObject({ status: 201, json: { project_id: 'blue' } })
      expect([...fake.trusts.values()]).toEqual([
        {
          trustor_user_id: 'eve',
          trustee_user_id: 'taibai',
          project_id: 'blue',
          impersonation: true,
          roles: [{ id: 'id-of-member' }, { id: 'id-of-creator' }],
        },
      ])
    })

    test('that cannot be made is 500, and nothing is stored', async () => {
      await connect(impatient)
      const token = fake.newToken()
      expect(await list(token)).toBe(200)
      for (const misbehave of [
        (_request: unknown, response: { writeHead(status: number): { end(text: string): void } }) => {
          response.writeHead(403).end(JSON.stringify({ error: { message: `not with ${token}` } }))
          return true
        },
        () => true,
      ]) {
        fake.misbehave = misbehave
        const answer = await create(token)
        expect(answer, answer.text).toMatchObject({ status: 500, json: { code: 'openstack_failed' } })
        expect(answer.json.faultstring).toMatch(/trust/)
        expect(answer.text).not.toContain(token)
      }
      expect(app.stores.functions.list(null)).toEqual([])
    })

    test('goes with the function, also when Keystone is away at that moment', async () => {
      await connect(impatient)
      const token = fake.newToken()
      const { json } = await create(token)
      fake.misbehave = () => true
      expect(await ask(token, 'DELETE', `/v1/functions/${json.id}`)).toMatchObject({ status: 204 })
      expect(fake.trusts.size).toBe(1)
      fake.misbehave = () => false
      await waitUntil('the trust is gone', () => {
        clock.advance(2000)
        return fake.trusts.size === 0
      })
    })

    test('goes when the function is not stored after all', async () => {
      const token = fake.newToken()
      app.stores.functions.insert = () => {
        throw new Error('the disk is full')
      }
      expect(await create(token)).toMatchObject({ status: 500 })
      expect(fake.trusts.size).toBe(0)
    })

    test('is what runs act with: its token is asked for once, renewed beside the calls, and told to nobody', async () => {
      const token = fake.newToken()
      const { json } = await create(token, { name: 'actor' })
      const run = async () => {
        const { json } = await ask(token, 'POST', '/v1/executions', { json: { function_id: 'actor' } })
        expect(json).toMatchObject({ status: 'success' })
        return app.pool.calls.at(-1)?.call.session
      }
      const before = fake.count('POST /v3/auth/tokens')
      const session = await run()
      if (session === undefined || !hasSession(session)) throw new Error('the run got no session')
      expect(session).toMatchObject({ userId: 'demo', projectId: 'red' })
      expect(await run()).toBe(session)
      expect(fake.count('POST /v3/auth/tokens')).toBe(before + 1)
      clock.advance(300_000)
      expect(await run()).toBe(session)
      const renewed = await waitUntil('there is another token', async () => {
        const now = await run()
        return now !== session && now
      })
      expect(hasSession(renewed) && renewed.token).not.toBe(session.token)
      expect(JSON.stringify([session, app.pool.calls])).not.toContain(session.token)
      expect((await ask(token, 'GET', `/v1/functions/${json.id}`)).text).not.toContain('trust')
      expect(logged).not.toContain(session.token)
      expect(logged).not.toContain(servicePassword)
    })

    test('that Keystone does not accept any more, or cannot be asked about, leaves the run a reason', async () => {
      await connect(impatient)
      const token = fake.newToken()
      await create(token, { name: 'actor' })
      const trusts = [...fake.trusts]
      const run = async () => {
        await ask(token, 'POST', '/v1/executions', { json: { function_id: 'actor' } })
        return app.pool.calls.at(-1)?.call.session
      }
      fake.trusts.clear()
      expect(await run()).toMatchObject({
        isRefused: true,
        problem: expect.stringMatching(/does not accept the trust/),
      })
      for (const [id, trust] of trusts) fake.trusts.set(id, trust)
      clock.advance(5000)
      const session = await run()
      expect(session).toMatchObject({ projectId: 'red' })
      fake.misbehave = (_request, _response, body) => body.includes('OS-TRUST:trust')
      clock.advance(600_000)
      expect(await run()).toBe(session)
      await list(token)
      clock.advance(3_000_000)
      const late = fake.newToken()
      await ask(late, 'POST', '/v1/executions', { json: { function_id: 'actor' } })
      expect(app.pool.calls.at(-1)?.call.session).toMatchObject({
        isRefused: false,
        problem: expect.stringMatching(/The function has no token now/),
      })
    })
  })

  describe('a queue of Zaqar as a destination', () => {
    const queue = 'orders'
    const posts = () => fake.posted.map(({ queue: to, by, project }) => ({ to, by, project }))

    /** A run of one of the user's functions; returns the delivery status of its result. */
    async function run(fields: object = { on_success: { queue } }) {
      const token = fake.newToken({ user: 'demo' })
      const { id: function_id } = (await create(token)).json
      const { json } = await ask(token, 'POST', '/v1/executions', { json: { function_id, sync: false, ...fields } })
      const delivery = async () => (await ask(token, 'GET', `/v1/executions/${json.id}`)).json.delivery
      return { token, function_id, json, delivery }
    }
    const untilTried = (delivery: () => Promise<{ attempts: number } | null>) =>
      waitUntil('it was tried', async () => ((await delivery())?.attempts ?? 0) > 0)

    test('is posted to as the maker of the function, in their project', async () => {
      const { delivery } = await run({ on_success: { queue, ttl: 600 } })
      await untilTried(delivery)
      expect(posts()).toEqual([{ to: queue, by: 'demo', project: 'red' }])
      const [message] = JSON.parse(fake.posted[0]?.text ?? '').messages
      expect(message).toMatchObject({
        ttl: 600,
        body: { specversion: '1.0', type: 'io.taibai.execution.succeeded', data: { status: 'success' } },
      })
      expect(await delivery()).toEqual({ to: { queue, ttl: 600 }, state: 'delivered', attempts: 1, error: null })
    })

    test('of the function itself takes the results of its accepted runs, and Zaqar says how long they are there', async () => {
      const { token, function_id, delivery } = await run({})
      await ask(token, 'PUT', `/v1/functions/${function_id}`, { json: { on_success: { queue } } })
      await ask(token, 'POST', '/v1/executions', { json: { function_id, sync: false } })
      await waitUntil('it was posted', () => fake.posted.length === 1)
      expect(JSON.parse(fake.posted[0]?.text ?? '').messages[0]).not.toHaveProperty('ttl')
      expect(await delivery()).toBeNull()
    })

    test.each(['.', '..', 'a/b', ''])('is refused when it has the name %j', async (name) => {
      const { json } = await run({ on_success: { queue: name } })
      expect(json.faultstring).toContain('must name a queue')
    })

    test('is refused for a function without a trust', async () => {
      const token = fake.newToken()
      const image = { code: { source: 'image', image: 'a/b' }, on_success: { queue } }
      const made = await ask(token, 'POST', '/v1/functions', { json: image })
      expect([made.status, made.json.faultstring]).toEqual([400, expect.stringContaining('no trust to post')])
    })

    test('gets a message once more with another token of the trust, when Zaqar refuses the one before', async () => {
      let refusals = 1
      fake.misbehave = (request, response) => {
        if (!String(request.url).startsWith('/zaqar') || refusals-- <= 0) return false
        response.writeHead(401).end()
        return true
      }
      const { delivery } = await run()
      await untilTried(delivery)
      expect(await delivery()).toMatchObject({ state: 'delivered', attempts: 1 })
    })

    test.each([
      [503, '{}', { state: 'pending', error: 'Zaqar answered with the status 503.' }],
      [401, '{}', { state: 'pending', error: 'Zaqar does not accept the token any more.' }],
      [403, '{}', { state: 'pending', error: 'Zaqar does not let this user post to the queue orders.' }],
      [
        400,
        '{"title":"Invalid","description":"Too large."}',
        { state: 'failed', error: 'Zaqar does not take the message for the queue orders: Too large.' },
      ],
    ])('that answers %i: what is said, and whether it is tried again', async (status, body, said) => {
      fake.misbehave = (request, response) => {
        if (!String(request.url).startsWith('/zaqar')) return false
        response.writeHead(status).end(body)
        return true
      }
      const { delivery } = await run()
      await untilTried(delivery)
      expect(await delivery()).toMatchObject(said)
      fake.misbehave = () => false
      await clock.pass(60_000)
      if (said.state === 'pending') {
        await waitUntil('it is there', async () => (await delivery()).state === 'delivered')
      } else expect(posts()).toEqual([])
    })

    test('in a cloud without Zaqar, or of a function that is gone: the delivery says so', async () => {
      fake.catalog = () => []
      const { token, function_id, delivery } = await run()
      await untilTried(delivery)
      expect((await delivery()).error).toContain('no public endpoint of the type messaging: is Zaqar there?')
      await ask(token, 'DELETE', `/v1/functions/${function_id}`)
      await clock.pass(60_000)
      await waitUntil('it is given up', async () => (await delivery()).state === 'failed')
      expect((await delivery()).error).toBe('The function is gone, and its trust with it.')
    })
  })

  describe('code in Swift', () => {
    const swift = (object = 'o') => ({ code: { source: 'swift', swift: { container: 'c', object } }, name: 'swifty' })
    const lying = (headers: Record<string, string>) => fake.putObject('c/o', zip, headers)

    test.each([
      ['is too large, and says so', () => fake.putObject('c/o', Buffer.alloc(100_001)), 400, /larger than 100000/],
      [
        'is too large, and does not say so',
        () => {
          fake.misbehave = (request, response) => {
            if (!request.url?.startsWith('/swift/')) return false
            response.writeHead(200)
            for (let n = 0; n < 11; n++) response.write(Buffer.alloc(10_000))
            response.end()
            return true
          }
        },
        400,
        /larger than 100000/,
      ],
      ['has another checksum', () => lying({ ETag: '0'.repeat(32) }), 500, /MD5 checksum/],
      ['is not there', () => fake.objects.clear(), 400, /no object o in the container c/],
      ['is in no catalogue', () => (fake.catalog = () => []), 500, /catalogue has no public endpoint/],
      [
        'is in a catalogue of nonsense',
        () =>
          (fake.catalog = () => [null, 1, { type: 'object-store' }, { type: 'object-store', endpoints: [{ url: 1 }] }]),
        500,
        /catalogue has no public endpoint/,
      ],
    ])('that %s is refused', async (_how, arrange, status, says) => {
      fake.putObject('c/o', zip)
      arrange()
      const answer = await create(fake.newToken(), swift())
      expect(answer, answer.text).toMatchObject({ status })
      expect(answer.json.faultstring).toMatch(says)
      expect(fake.trusts.size).toBe(0)
      expect(app.stores.functions.list(null)).toEqual([])
    })

    test.each(misbehaviours.filter(([, , says]) => !says.test('not its v3 API') && !says.test('more than 4 MiB')))(
      'is refused with a sentence when Swift answers %s',
      async (_how, misbehave) => {
        await connect(impatient)
        fake.misbehave = (request, response) =>
          request.url?.startsWith('/swift/') === true && misbehave(request, response, '')
        const answer = await create(fake.newToken(), swift())
        expect(answer, answer.text).toMatchObject({ status: 500, json: { code: 'openstack_failed' } })
        expect(answer.json.faultstring).toMatch(/^Swift /)
      },
    )

    test('made of segments has no checksum to compare', async () => {
      lying({ ETag: `"${'1'.repeat(32)}"`, 'X-Static-Large-Object': 'True' })
      expect(await create(fake.newToken(), swift())).toMatchObject({ status: 201 })
    })

    test('comes from the region that is asked for, if it is there', async () => {
      fake.putObject('c/o', zip)
      await connect({ openstackRegion: 'Two' })
      const answer = await create(fake.newToken(), swift())
      expect(answer.json.faultstring).toMatch(/in the region Two/)
      await connect({ openstackRegion: 'One' })
      expect(await create(fake.newToken(), swift())).toMatchObject({ status: 201 })
    })

    test('is looked at before the first worker, then beside the calls and not with each', async () => {
      fake.putObject('c/o', zip)
      const token = fake.newToken()
      const { json } = await create(token, { ...swift(), min_workers: 1 })
      const run = () => ask(token, 'POST', '/v1/executions', { json: { function_id: 'swifty' } })
      const hashOfLastRun = () => app.pool.calls.at(-1)?.revision.packageHash
      fake.asked = []
      await run()
      const first = hashOfLastRun()
      expect(fake.asked.filter((request) => request.includes('swift'))).toEqual(['HEAD /swift/c/o'])
      app.pool.running = [{ name: 'w', functionId: json.id, functionVersion: 0, runtimeId: null, state: 'idle' }]
      fake.putObject('c/o', otherZip)
      for (let n = 0; n < 5; n++) await run()
      expect(fake.count('HEAD /swift')).toBe(1)
      clock.advance(10_000)
      await run()
      expect(hashOfLastRun()).toBe(first)
      await waitUntil('the new code is there', async () => {
        await run()
        return hashOfLastRun() !== first
      })
      expect(app.pool.asked.slice(-2)).toEqual([`retire ${json.id} 0 new_code`, `keep ${json.id} 1`])
      expect([fake.count('HEAD /swift'), fake.count('GET /swift')]).toEqual([2, 1])
      expect(app.packages.stored.get(hashOfLastRun() as string)).toEqual(otherZip)
    })

    test('that is no good is fetched once, not with each call', async () => {
      fake.putObject('c/o', zip)
      const token = fake.newToken()
      await create(token, swift())
      fake.putObject('c/o', Buffer.from('no ZIP'))
      fake.asked = []
      for (let n = 0; n < 3; n++) {
        const { json } = await ask(token, 'POST', '/v1/executions', { json: { function_id: 'swifty' } })
        expect(json).toMatchObject({ status: 'error', error: { message: 'The package is not a ZIP.' } })
      }
      expect(fake.count('GET /swift')).toBe(1)
      fake.putObject('c/o', otherZip)
      const { json } = await ask(token, 'POST', '/v1/executions', { json: { function_id: 'swifty' } })
      expect(json).toMatchObject({ status: 'success' })
    })

    test('is read with another token of the trust when Swift refuses the one before', async () => {
      fake.putObject('c/o', zip)
      const token = fake.newToken()
      await create(token, swift())
      const run = () => ask(token, 'POST', '/v1/executions', { json: { function_id: 'swifty' } })
      expect((await run()).json).toMatchObject({ status: 'success' })
      for (const [name, { trust }] of fake.tokens) if (trust !== '') fake.tokens.delete(name)
      expect((await run()).json).toMatchObject({ status: 'success' })
    })
  })
})
