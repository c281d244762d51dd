/** What the swarm's engine does with a manager that fails it: one of a few lines, over HTTP. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { silentLog } from '../../src/domain/runs/log.ts'
import type { SandboxSpec } from '../../src/engine/sandbox/sandbox.ts'
import { SwarmEngine } from '../../src/engine/sandbox/swarm/swarm-engine.ts'
import { mib } from '../support/fake-workers-pool.ts'
import { waitUntil } from '../support/wait-until.ts'

const opened: { engine: SwarmEngine; server: Server }[] = []
afterEach(async () => {
  for (const { engine, server } of opened.splice(0)) {
    await engine.close()
    server.close()
  }
})

/**
 * What it has, as `services/NAME`; things that a service uses stay until it is gone. `answers`: else the answer to an order for one is
 * lost. `runs`: else its task is prepared for ever. `heldMs`: how long after the service they are used still. A node that
 * `hangs` keeps the task of a service that is gone.
 */
async function start({ answers = false, runs = false, heldMs = 0, digests = [] as string[] } = {}) {
  const has = new Set<string>()
  /** What each service's image is, and who may fetch it. */
  const fetched: { image: string; as: unknown }[] = []
  let usedUntil = 0
  const node = { hangs: false }
  const ordered = new Set<string>()
  const listener: RequestListener = async (request, response) => {
    const [, what = '', id = ''] = /^\/(\w+)(?:\/([^?]*))?/.exec(request.url ?? '') ?? []
    const say = (status: number, value: unknown) => response.writeHead(status).end(JSON.stringify(value))
    if (id === 'create') {
      const pieces: Buffer[] = []
      for await (const piece of request) pieces.push(piece)
      const { Name, TaskTemplate } = JSON.parse(Buffer.concat(pieces).toString())
      const auth = request.headers['x-registry-auth']
      const as = auth === undefined ? null : JSON.parse(Buffer.from(String(auth), 'base64url').toString())
      if (what === 'services') fetched.push({ image: TaskTemplate.ContainerSpec.Image, as })
      has.add(`${what}/${Name}`)
      ordered.add(`${what}/${Name}`)
      return what === 'services' && !answers ? request.socket.destroy() : say(201, { ID: Name, Id: Name })
    }
    if (request.method === 'DELETE') {
      if (what === 'services') usedUntil = performance.now() + heldMs
      const isUsed = performance.now() < usedUntil || [...has].some((one) => one.startsWith('services/'))
      if (isUsed && what !== 'services') return say(409, { message: 'it is in use' })
      return say(has.delete(`${what}/${id}`) ? 200 : 404, {})
    }
    if (what === 'tasks') {
      const services = [...(node.hangs ? ordered : has)]
        .filter((one) => one.startsWith('services/'))
        .map((one) => one.slice('services/'.length))
      const preparing = { DesiredState: 'running', Status: { State: runs ? 'running' : 'preparing' } }
      return say(
        200,
        services.map((name) => ({ ID: name, ServiceID: name, NodeID: 'n', ...preparing })),
      )
    }
    if (what === 'info') return say(200, { Swarm: { ControlAvailable: true, NodeAddr: '127.0.0.1' } })
    if (what === 'images') return say(200, { Id: 'sha256:1', RepoDigests: digests })
    say(200, what === 'version' ? { Version: '25', ApiVersion: '1.44' } : what === 'swarm' ? { Spec: {} } : [])
  }
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const options = {
    instance: 'x',
    users: { firstUid: 64_000, count: 10 },
    pidsLimit: 10,
    openFilesLimit: 10,
    tmpSizeMb: 8,
    startTimeoutMs: 500,
    credentials: (image: string) => (image.startsWith('red.example/') ? login : null),
  }
  const host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  const engine = await SwarmEngine.connect({ ...options, host }, silentLog)
  opened.push({ engine, server })
  return { engine, has, node, fetched }
}

const login = { registry: 'red.example', username: 'me', password: 'ÿ?>secret' }

const limits = { memoryBytes: 64 * mib, cpuMillicpu: 100, cpuMaxMillicpu: null }
const closed = { network: 'egress' as const, trusted: true, sandbox: null, tmpSizeBytes: null, reachesApi: false }
const spec = { name: 'w1', image: 'i', command: null, env: {}, folder: null, key: 'k', ...limits, ...closed }

test('what is not a name of an image is not asked for', async () => {
  const { engine } = await start()
  await expect(engine.start({ ...spec, image: '..%2fx' })).rejects.toThrow('"..%2fx" is not the name of an image.')
})

test('a task that takes too long to prepare fails and is removed', async () => {
  const { engine, has } = await start({ answers: true })
  await expect(engine.start(spec)).rejects.toThrow('The swarm has not started a worker within 0.5 s.')
  expect([...has].filter((one) => one.startsWith('services/'))).toEqual([])
})

test('a task that its node keeps preparing, although its service is gone, holds no further try up', async () => {
  const { engine, node } = await start({ answers: true })
  node.hangs = true
  await expect(engine.start(spec)).rejects.toThrow('The swarm has not started a worker within 0.5 s.')
  node.hangs = false
}, 20_000)

test('a service whose order was taken, but not answered, is removed, and so is what it used', async () => {
  const { engine, has } = await start()
  await expect(engine.start(spec)).rejects.toMatchObject({ code: 'engine_failed' })
  await waitUntil('nothing is left', async () => has.size === 0, 10_000)
})

test('an engine that closes removes all that its workers had, also what is in use for a moment longer', async () => {
  const { engine, has } = await start({ answers: true, runs: true, heldMs: 700 })
  await engine.start(spec)
  await engine.close()
  expect([...has]).toEqual([])
})

describe('the node of a task fetches its image', () => {
  const { key: _key, ...keyless } = spec
  const own = { ...keyless, image: 'red.example/app:1' }
  const digests = ['blue.example/app@sha256:b', 'red.example/app@sha256:a']
  const asked = async (wanted: SandboxSpec, has = digests) => {
    const { engine, fetched } = await start({ answers: true, runs: true, digests: has })
    await engine.start(wanted)
    return fetched
  }

  test('with the credentials that are stored for its registry, when it is a function’s or names one', async () => {
    const { username, password } = login
    const as = { username, password, serveraddress: 'red.example' }
    for (const wanted of [own, { ...own, key: 'k' }])
      expect(await asked(wanted)).toEqual([{ image: 'red.example/app@sha256:a', as }])
  })

  test('never when it was made here, or its name is of no registry: it is known by its id', async () => {
    expect(await asked(own, ['blue.example/app@sha256:b'])).toEqual([{ image: 'sha256:1', as: null }])
    expect(await asked({ ...spec, image: 'taibai/nodejs:1' }, ['taibai/nodejs@sha256:a'])).toEqual([
      { image: 'sha256:1', as: null },
    ])
  })
})
