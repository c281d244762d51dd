/** The session that Python functions have for OpenStack's clients: keystoneauth's own, or the shim's. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FrameType } from '../../src/engine/worker/protocol.ts'
import { ShimProcess } from '../support/shim-process.ts'
import { openStackSession } from '../support/shim-protocol-list.ts'

const runtime = fileURLToPath(new URL('../../runtimes/python3', import.meta.url))
/** The system's Python comes first: that is the one that Debian's keystoneauth1 is for. */
const pathBefore = process.env.PATH
const path = `/usr/bin:${pathBefore}`
const hasKeystoneauth =
  spawnSync('python3', ['-c', 'import keystoneauth1.session'], { env: { ...process.env, PATH: path } }).status === 0

/** Qinling's signature, so that the session is found where Qinling's users look for it. */
const code = `
import sys

if HIDDEN:
    sys.modules['keystoneauth1'] = None

def main(context, path='/c/o', method='GET', service='object-store', **wishes):
    session = context['os_session']
    if session is None:
        return None
    imported = 'keystoneauth1.session' in sys.modules
    where = {'service_type': service, 'interface': 'public', 'region_name': 'One'}
    answer = session.request(path, method, endpoint_filter=where, **wishes)
    return {
        'early': imported,
        'module': type(session).__module__,
        'class': session.__class__.__name__,
        'token': session.get_token(),
        'headers': session.get_auth_headers(),
        'endpoint': session.get_endpoint(**where),
        'project': session.get_project_id(),
        'user': session.get_user_id(),
        'status': answer.status_code,
        'text': answer.text,
    }
`

let server: Server
let url: string
const asked: { method: string; path: string; token: string; body: string }[] = []
const folders: string[] = []

beforeAll(async () => {
  process.env.PATH = path
  server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    const token = String(request.headers['x-auth-token'])
    const path = String(request.url)
    asked.push({ method: String(request.method), path, token, body: Buffer.concat(pieces).toString() })
    response.writeHead(path.includes('missing') ? 404 : 200, { 'Content-Type': 'text/plain' }).end('from swift')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/AUTH_1`
})
afterAll(() => {
  process.env.PATH = pathBefore
  server.close()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

async function start(isHidden: boolean): Promise<ShimProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-session-'))
  folders.push(folder)
  writeFileSync(join(folder, 'main.py'), `HIDDEN = ${isHidden ? 'True' : 'False'}\n${code}`)
  const shim = await ShimProcess.start(runtime)
  await shim.bind(folder, { signature: 'qinling' })
  return shim
}

describe.each([
  { what: 'without keystoneauth1', isHidden: true, has: true, name: 'PlainSession' },
  { what: 'with keystoneauth1', isHidden: false, has: hasKeystoneauth, name: 'Session' },
])('the session $what', ({ isHidden, has, name }) => {
  const run = has ? test : test.skip

  run('asks the service that the catalogue names, with the newest token', async () => {
    await using shim = await start(isHidden)
    expect(await shim.connection.call({}).outcome).toMatchObject({ value: null })
    for (const token of ['first-token', 'second-token']) {
      shim.connection.send(FrameType.session, 0, openStackSession(token, url))
      const outcome = await shim.connection.call({ json: { n: 1 }, method: 'POST' }).outcome
      expect(outcome).toMatchObject({
        value: {
          early: token !== 'first-token' && !isHidden,
          class: name,
          token,
          headers: { 'X-Auth-Token': token },
          endpoint: expect.stringContaining(url),
          project: 'project-1',
          user: 'user-1',
          status: 200,
          text: 'from swift',
        },
      })
      expect(asked.at(-1)).toMatchObject({ method: 'POST', path: '/v1/AUTH_1/c/o', token })
      expect(JSON.parse(asked.at(-1)?.body ?? '')).toEqual({ n: 1 })
    }
  })

  run('raises what a service answers with 4xx, unless told not to', async () => {
    await using shim = await start(isHidden)
    shim.connection.send(FrameType.session, 0, openStackSession('token', url))
    const raised = await shim.connection.call({ path: '/missing' }).outcome
    expect(raised).toMatchObject({ state: 'failed', message: expect.stringContaining('404') })
    expect(JSON.stringify(raised)).not.toContain('"token"')
    const told = await shim.connection.call({ path: '/missing', raise_exc: false }).outcome
    expect(told).toMatchObject({ value: { status: 404 } })
  })

  run('raises when the catalogue has no such service', async () => {
    await using shim = await start(isHidden)
    shim.connection.send(FrameType.session, 0, openStackSession('token', url))
    const outcome = await shim.connection.call({ service: 'compute' }).outcome
    expect(outcome).toMatchObject({ type: 'EndpointNotFound', message: expect.stringContaining('compute') })
  })

  run('says what is wrong when there is no token now', async () => {
    await using shim = await start(isHidden)
    shim.connection.send(FrameType.session, 0, { problem: 'Keystone sleeps.' })
    expect(await shim.connection.call({}).outcome).toMatchObject({
      type: 'OpenStackUnavailable',
      message: 'Keystone sleeps.',
    })
  })
})
