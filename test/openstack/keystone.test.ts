import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { foundIn, OpenStackStack, stackPassword } from '../../scripts/openstack/stack.ts'
import { zipOf } from '../../src/store/zip-of.ts'
import { askDocker } from '../support/docker-api.ts'
import { ended } from '../support/executions-of.ts'
import { type ProcessRequest, type ProcessResponse, ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Whole servers with real Keystone and Swift: who may call, what functions may do, and where code may lie. */

const found = await OpenStackStack.startOrSkip(['keystone', 'swift'])
const stack = found as OpenStackStack
const cacheSeconds = 2
const requestMs = 1500

describe.skipIf(found === null)('With Keystone', () => {
  let server: ServerProcess
  /** None of these may be written down anywhere. */
  const seen: string[] = [stackPassword]
  const tokenOf = async (...account: Parameters<OpenStackStack['token']>): Promise<string> => {
    const token = await stack.token(...account)
    seen.push(token)
    return token
  }
  let demo: string
  let alt: string
  let admin: string
  const {
    DEMO_PROJECT_ID: demoProject = '',
    ALT_PROJECT_ID: altProject = '',
    DEMO_USER_ID: demoUser = '',
  } = found?.env ?? {}

  beforeAll(async () => {
    server = await ServerProcess.start({
      settings: {
        ...stack.settings,
        TAIBAI_KEYSTONE_CACHE_SECONDS: String(cacheSeconds),
        TAIBAI_OPENSTACK_TIMEOUT_MS: String(requestMs),
        TAIBAI_SWIFT_CHECK_SECONDS: '1',
        TAIBAI_LOG_LEVEL: 'debug',
      },
    })
    ;[demo, alt, admin] = await Promise.all([tokenOf('demo'), tokenOf('alt'), tokenOf('admin')])
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await stack[Symbol.asyncDispose]()
  })

  const ask = (token: string | null, method: string, path: string, asked: ProcessRequest = {}) =>
    server.ask(method, path, { ...asked, token })

  const codeOf = (content: string, filename = 'main.mjs') => ({ source: 'inline', filename, content })

  async function deploy(token: string, name: string, content: string, more: object = {}): Promise<string> {
    const runtime = 'runtime' in more ? String(more.runtime) : 'nodejs'
    const code = codeOf(content, runtime.includes('python') ? 'main.py' : 'main.mjs')
    const made = await ask(token, 'POST', '/v1/functions', { json: { name, runtime, code, timeout: 60, ...more } })
    expect(made, made.text).toMatchObject({ status: 201 })
    return made.json.id
  }

  const trusts = async (): Promise<string[]> => {
    const { json } = await stack.keystone('GET', '/OS-TRUST/trusts', await tokenOf('admin'))
    return json.trusts.map(({ id }: { id: string }) => id)
  }

  const untilRefused = (token: string): Promise<ProcessResponse> =>
    waitUntil('the token is refused', async () => {
      const answer = await ask(token, 'GET', '/v1/functions')
      return answer.status === 401 && answer
    })

  describe('refuses', () => {
    test('those without a token, with garbage, and with tokens that look like ours', async () => {
      for (const token of [null, 'garbage', 'gAAAAABk_not_a_token', 'tb_unknown', 'x'.repeat(9000)]) {
        expect(await ask(token, 'GET', '/v1/functions'), String(token)).toMatchObject({
          status: 401,
          json: { code: 'unauthenticated', faultcode: 'Client' },
        })
      }
    })

    test('tokens that are for no project', async () => {
      const answer = await ask(await tokenOf('demo', null), 'GET', '/v1/functions')
      expect(answer).toMatchObject({ status: 403, json: { code: 'forbidden' } })
      expect(answer.json.faultstring).toMatch(/^Operation not allowed.*project/)
    })

    test('a token that was revoked, within the cache time', async () => {
      const token = await tokenOf('demo')
      expect(await ask(token, 'GET', '/v1/functions')).toMatchObject({ status: 200 })
      await stack.keystone('DELETE', '/auth/tokens', token, undefined, { 'X-Subject-Token': token })
      const from = performance.now()
      await untilRefused(token)
      expect(performance.now() - from).toBeLessThan(cacheSeconds * 1000 + requestMs)
    })

    test('members where an admin is wanted, and others in what is not theirs', async () => {
      const id = await deploy(demo, 'private', 'export const main = () => 1')
      expect(await ask(demo, 'GET', `/v1/functions/${id}`)).toMatchObject({
        status: 200,
        json: { project_id: demoProject },
      })
      expect(await ask(alt, 'GET', `/v1/functions/${id}`)).toMatchObject({ status: 404 })
      expect(await ask(alt, 'POST', '/fn/private')).toMatchObject({ status: 404 })
      expect(await ask(demo, 'GET', '/v1/functions?all_projects=true')).toMatchObject({ status: 403 })
      expect(await ask(admin, 'GET', `/v1/functions/${id}`)).toMatchObject({ status: 200 })
      expect(await ask(admin, 'GET', '/v1/functions?all_projects=true')).toMatchObject({ status: 200 })
    })
  })

  test("lets in those with the installation's own tokens", async () => {
    expect(await server.ask('GET', '/v1/functions')).toMatchObject({ status: 200 })
  })

  describe('a function', () => {
    test('has a trust that goes when it goes, or does not come to be', async () => {
      const before = await trusts()
      const id = await deploy(demo, 'trusted', 'export const main = () => 1')
      const made = (await trusts()).filter((trust) => !before.includes(trust))
      expect(made).toHaveLength(1)
      const { text } = await ask(demo, 'GET', `/v1/functions/${id}`)
      expect(text).not.toContain(made[0])
      const code = codeOf('export const main = () => 2')
      const again = await ask(demo, 'POST', '/v1/functions', { json: { name: 'trusted', runtime: 'nodejs', code } })
      expect(again).toMatchObject({ status: 409 })
      const image = { name: 'box', code: { source: 'image', image: 'busybox' } }
      expect(await ask(demo, 'POST', '/v1/functions', { json: image })).toMatchObject({ status: 201 })
      expect(await ask(demo, 'DELETE', `/v1/functions/${id}`)).toMatchObject({ status: 204 })
      expect(await trusts()).toEqual(before)
    })

    test('cannot be made with a token that comes from a trust itself', async () => {
      const id = await deploy(demo, 'mirror', mirror)
      const token = reversed((await ask(demo, 'POST', '/fn/mirror')).text)
      expect(token.length).toBeGreaterThan(50)
      seen.push(token)
      expect(await ask(token, 'GET', `/v1/functions/${id}`)).toMatchObject({ status: 200 })
      const code = codeOf('export const main = () => 2')
      const answer = await ask(token, 'POST', '/v1/functions', { json: { runtime: 'nodejs', code } })
      expect(answer).toMatchObject({ status: 500, json: { code: 'openstack_failed' } })
      expect(answer.json.faultstring).toMatch(/trust/)
      expect(answer.text).not.toContain(token)
      await ask(demo, 'DELETE', `/v1/functions/${id}`)
    })

    test('reads and writes objects for its maker, however it is called', async () => {
      await stack.swift('PUT', demoProject, '/work', demo)
      await stack.swift('PUT', demoProject, '/work/in.txt', demo, 'three words here')
      const id = await deploy(demo, 'words', counting)
      expect(await ask(demo, 'POST', '/fn/words', { json: { to: 'sync' } })).toMatchObject({ status: 200, json: 3 })
      const hook = await ask(demo, 'POST', '/v1/webhooks', { json: { function_id: id } })
      const accepted = await ask(null, 'POST', `/v1/webhooks/${hook.json.id}/invoke`, { json: { to: 'hook' } })
      expect(accepted).toMatchObject({ status: 202 })
      const execution = await ended(server, accepted.json.execution_id)
      expect(execution, JSON.stringify(execution)).toMatchObject({ status: 'success', project_id: demoProject })
      for (const name of ['sync', 'hook']) {
        expect(await stack.swift('GET', demoProject, `/work/${name}`, demo)).toMatchObject({ text: '3 words' })
      }
    })

    test('written for Qinling finds its session', async () => {
      await stack.swift('PUT', demoProject, '/qinling', demo)
      await stack.swift('PUT', demoProject, '/qinling/in.txt', demo, 'from swift')
      await deploy(demo, 'session', qinling, { runtime: 'qinling-python3' })
      const run = { function_id: 'session', input: '{"container": "qinling", "name": "in.txt"}' }
      const { json } = await ask(demo, 'POST', '/v1/executions', { json: run })
      expect(json, JSON.stringify(json)).toMatchObject({ status: 'success' })
      expect(JSON.parse(json.result).output).toEqual({ text: 'from swift', project: demoProject })
    })

    test('made with a token of ours acts with nothing', async () => {
      await server.deploy('alone', 'export const main = (_event, { openstack }) => openstack')
      expect((await server.ask('POST', '/fn/alone')).json).toBeNull()
    })

    test('runs and can do nothing when its user was disabled; the tokens of that user are refused', async () => {
      const token = await tokenOf('demo')
      await deploy(token, 'orphan', 'export const main = (act, { openstack }) => (act ? openstack.token : "ran")')
      const enable = (enabled: boolean) => stack.keystone('PATCH', `/users/${demoUser}`, admin, { user: { enabled } })
      try {
        expect(await enable(false)).toMatchObject({ status: 200 })
        await untilRefused(token)
        expect(await ask(admin, 'POST', '/v1/executions', { json: { function_id: 'x' } })).toMatchObject({
          status: 400,
        })
        const fn = (await ask(admin, 'GET', '/v1/functions?all_projects=true')).json.functions.find(
          ({ name }: { name: string }) => name === 'orphan',
        )
        const call = async (input: string) =>
          (await ask(admin, 'POST', '/v1/executions', { json: { function_id: fn.id, input } })).json
        expect(await call('')).toMatchObject({ status: 'success' })
        const failed = await call('act')
        expect(failed).toMatchObject({ status: 'failed', error: { type: 'OpenStackUnavailable' } })
        expect(failed.error.message).toMatch(/trust/)
      } finally {
        await enable(true)
        // Keystone counts revocations in whole seconds: what was issued in the same one is refused too.
        await new Promise((resolve) => setTimeout(resolve, 1200))
        demo = await tokenOf('demo')
      }
    })
  })

  describe('code in Swift', () => {
    const put = (name: string, bytes: Buffer | string) =>
      stack.swift('PUT', demoProject, `/code/${name}`, demo, typeof bytes === 'string' ? bytes : new Uint8Array(bytes))
    const zip = (text: string) => zipOf('main.mjs', `export const main = () => ${JSON.stringify(text)}`)
    const swift = (object: string, container = 'code', more = {}) => ({
      runtime: 'nodejs',
      code: { source: 'swift', swift: { container, object }, ...more },
    })
    const create = (token: string, json: object) => ask(token, 'POST', '/v1/functions', { json })

    beforeAll(async () => {
      await stack.swift('PUT', demoProject, '/code', demo)
      await put('hello.zip', zip('one'))
      await put('words.txt', 'no ZIP at all')
    })

    test('is refused when it is not there, not theirs, no ZIP, or other than they say', async () => {
      const before = await trusts()
      const refusals: [string, object, RegExp, string?][] = [
        [demo, swift('missing.zip'), /no object missing\.zip/],
        [demo, swift('hello.zip', 'nowhere'), /nowhere/],
        [alt, swift('hello.zip'), /no object/],
        [demo, swift('words.txt'), /ZIP/i],
        [demo, swift('hello.zip', 'code', { md5sum: '0'.repeat(32) }), /checksum/],
        [demo, swift('../hello.zip'), /cannot be asked/],
        [demo, { runtime: 'nodejs', code: { source: 'swift' } }, /container and an object/],
        [server.token, swift('hello.zip'), /Keystone token/],
      ]
      for (const [token, json, says] of refusals) {
        const answer = await create(token, json)
        expect(answer, answer.text).toMatchObject({ status: 400 })
        expect(answer.json.faultstring).toMatch(says)
      }
      expect(await trusts()).toEqual(before)
    })

    test('is run, followed when it changes, and downloaded', async () => {
      const made = await create(demo, { ...swift('hello.zip'), name: 'swifty' })
      expect(made).toMatchObject({
        status: 201,
        json: { code: { source: 'swift', swift: { container: 'code', object: 'hello.zip' } } },
      })
      expect(made.json.code).not.toHaveProperty('md5sum')
      const call = async () => (await ask(demo, 'POST', '/fn/swifty')).text
      expect(await call()).toBe('one')
      await put('hello.zip', zip('two'))
      expect(await waitUntil('the new code runs', async () => (await call()) === 'two')).toBe(true)
      const download = await ask(demo, 'GET', `/v1/functions/${made.json.id}?download=true`)
      expect(download.bytes.equals(zip('two'))).toBe(true)
      await put('other.zip', zip('three'))
      const code = JSON.stringify({ swift: { object: 'other.zip' } })
      expect(await ask(demo, 'PUT', '/v1/functions/swifty', { json: { code } })).toMatchObject({
        status: 200,
        json: { code: { source: 'swift', swift: { container: 'code', object: 'other.zip' } } },
      })
      expect(await call()).toBe('three')
      const unknown = JSON.stringify({ swift: { object: 'missing.zip' } })
      expect(await ask(demo, 'PUT', '/v1/functions/swifty', { json: { code: unknown } })).toMatchObject({ status: 400 })
      expect(await ask(demo, 'PUT', '/v1/functions/swifty', { json: { code: '{}' } })).toMatchObject({ status: 400 })
    })

    test('that changed while nothing ran is new at the first call', async () => {
      await put('sleepy.zip', zip('old'))
      const { json } = await create(demo, { ...swift('sleepy.zip'), name: 'sleepy' })
      await put('sleepy.zip', zip('new'))
      expect((await ask(demo, 'POST', '/fn/sleepy')).text).toBe('new')
      expect(await ask(demo, 'GET', `/v1/functions/${json.id}`)).toMatchObject({
        json: { updated_at: expect.anything() },
      })
    })

    test('that went away, or is no ZIP any more, is an error of the run, until it is good again', async () => {
      await put('fragile.zip', zip('good'))
      await create(demo, { ...swift('fragile.zip'), name: 'fragile' })
      const run = async () => (await ask(demo, 'POST', '/v1/executions', { json: { function_id: 'fragile' } })).json
      expect(await run()).toMatchObject({ status: 'success' })
      await stack.swift('DELETE', demoProject, '/code/fragile.zip', demo)
      const gone = await waitUntil('it is an error', async () => {
        const execution = await run()
        return execution.status === 'error' && execution
      })
      expect(gone.error.message).toMatch(/no object fragile\.zip/)
      await put('fragile.zip', 'not a ZIP')
      expect(await run()).toMatchObject({ status: 'error', error: { message: expect.stringMatching(/ZIP/i) } })
      expect(await run()).toMatchObject({ status: 'error' })
      await put('fragile.zip', zip('good again'))
      expect(await run()).toMatchObject({ status: 'success', output: 'good again' })
    })

    test('cannot be reached by others with a token of their project', async () => {
      expect(await ask(alt, 'GET', '/v1/functions/swifty?download=true')).toMatchObject({ status: 404 })
      const foreign = await stack.swift('GET', demoProject, '/code/hello.zip', alt)
      expect([foreign.status, altProject === demoProject]).toEqual([403, false])
    })

    test('that Swift does not give now: what is here goes on, new functions are refused', async () => {
      await put('steady.zip', zip('steady'))
      await create(demo, { ...swift('steady.zip'), name: 'steady' })
      stack.signal('swift-proxy', 'SIGKILL')
      try {
        const made = await create(demo, swift('hello.zip'))
        expect(made, made.text).toMatchObject({ status: 500, json: { code: 'openstack_failed' } })
        expect(made.json.faultstring).toMatch(/^Swift cannot be reached/)
        expect((await ask(demo, 'POST', '/fn/steady')).text).toBe('steady')
      } finally {
        await stack.restore()
      }
      await put('steady.zip', zip('back'))
      await waitUntil('Swift is asked again', async () => (await ask(demo, 'POST', '/fn/steady')).text === 'back')
    })
  })

  test('while Keystone hangs, known tokens go on and new ones wait no longer than told; then all is as before', async () => {
    const fresh = await tokenOf('demo')
    await deploy(demo, 'calm', 'export const main = () => "calm"')
    await deploy(demo, 'slow', slow)
    expect((await ask(demo, 'POST', '/fn/calm')).text).toBe('calm')
    expect((await ask(demo, 'POST', '/fn/slow', { json: 1 })).json).toEqual({ end: demoProject })
    const running = ask(demo, 'POST', '/fn/slow', { json: 2000 })
    stack.signal('keystone', 'SIGSTOP')
    try {
      const until = performance.now() + (cacheSeconds + 2) * 1000
      const slowest = { known: 0, unknown: 0 }
      while (performance.now() < until) {
        const from = performance.now()
        expect((await ask(demo, 'POST', '/fn/calm')).text).toBe('calm')
        const between = performance.now()
        const answer = await ask(fresh, 'POST', '/fn/calm')
        expect(answer).toMatchObject({ status: 503, json: { code: 'auth_unavailable', faultcode: 'Server' } })
        expect(answer.headers.get('retry-after')).toBe('1')
        slowest.known = Math.max(slowest.known, between - from)
        slowest.unknown = Math.max(slowest.unknown, performance.now() - between)
      }
      expect(slowest.known).toBeLessThan(requestMs + 2000)
      expect(slowest.unknown).toBeLessThan(requestMs + 2000)
      expect(await running).toMatchObject({ status: 200, json: { end: demoProject } })
      const code = codeOf('export const main = () => 1')
      const made = await ask(demo, 'POST', '/v1/functions', { json: { runtime: 'nodejs', code } })
      expect(made).toMatchObject({ status: 500, json: { code: 'openstack_failed' } })
    } finally {
      stack.signal('keystone', 'SIGCONT')
    }
    await waitUntil('new tokens are good', async () => (await ask(fresh, 'POST', '/fn/calm')).text === 'calm')
  })

  describe.skipIf(process.env.TAIBAI_TEST_DOCKER === '0')('In containers', () => {
    test('a token shows neither in what the engine tells nor in the environment', async () => {
      await using contained = await ServerProcess.start({ engine: 'docker', settings: stack.settings })
      const code = codeOf(mirror)
      const json = { name: 'mirror', runtime: 'nodejs', code, timeout: 60 }
      expect(await contained.ask('POST', '/v1/functions', { token: demo, json })).toMatchObject({ status: 201 })
      const called = await contained.ask('POST', '/fn/mirror', { token: demo, json: { env: true } })
      expect(called, called.text).toMatchObject({ status: 200 })
      const token = reversed(called.json.token)
      expect(token.length).toBeGreaterThan(50)
      const containers = await contained.data.containers()
      expect(containers.length).toBeGreaterThan(0)
      const told = await Promise.all(containers.map(({ Id }) => askDocker('GET', `/containers/${Id}/json`)))
      const texts = [JSON.stringify(told), JSON.stringify(called.json.env), contained.output]
      for (const secret of [token, demo, stackPassword]) {
        for (const text of texts) expect(text).not.toContain(secret)
        expect(foundIn(contained.data.path, [secret])).toEqual([])
      }
    })
  })

  test('no token and no password was written down', async () => {
    expect(seen).toContain(demo)
    for (const secret of seen) expect(server.output).not.toContain(secret)
    expect(foundIn(server.data.path, seen)).toEqual([])
  })
})

/** A token that is not written down as it is. */
const mirror = `
export function main(event, { openstack }) {
  const token = [...openstack.token].reverse().join('')
  return event?.env ? { token, env: process.env } : token
}
`
const reversed = (text: string): string => [...text].reverse().join('')

const slow = `
export async function main(ms, { openstack }) {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return { end: openstack.projectId }
}
`

const counting = `
export async function main({ to }, { openstack }) {
  const url = openstack.endpoint('object-store', { region: 'RegionOne' })
  const headers = { 'X-Auth-Token': openstack.token }
  const text = await (await fetch(url + '/work/in.txt', { headers })).text()
  const count = text.split(' ').length
  const put = await fetch(url + '/work/' + to, { method: 'PUT', headers, body: count + ' words' })
  if (!put.ok) throw new Error('not written: ' + put.status)
  console.log(openstack, JSON.stringify({ openstack }))
  return count
}
`

const qinling = `
def main(container, name, context=None):
    session = context['os_session']
    where = {'service_type': 'object-store', 'interface': 'public', 'region_name': 'RegionOne'}
    print(session, context)
    answer = session.get('/%s/%s' % (container, name), endpoint_filter=where)
    return {'text': answer.text, 'project': session.get_project_id()}
`
