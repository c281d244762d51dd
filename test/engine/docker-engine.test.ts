/** The Docker engine over an API that says no, breaks off, and tells things late: what no real engine does on request. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { silentLog } from '../../src/domain/runs/log.ts'
import { DockerEngine } from '../../src/engine/sandbox/docker/docker-engine.ts'
import type { Exit, SandboxSpec } from '../../src/engine/sandbox/sandbox.ts'
import { FakeDocker } from '../support/engine-parts-docker.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Fresh for this file. */
const etcFolder = mkdtempSync(join(tmpdir(), 'taibai-etc-'))
afterAll(() => rmSync(etcFolder, { recursive: true }))

const limits = {
  pidsLimit: 64,
  openFilesLimit: 256,
  tmpSizeMb: 16,
  users: { firstUid: 64_000, count: 1000 },
  etcFolder,
  egressAllow: [],
  maxWorkerConnections: 1000,
}
const spec = (overrides: Partial<SandboxSpec> = {}): SandboxSpec => ({
  name: 'w1',
  image: 'taibai/nodejs',
  command: null,
  env: {},
  network: 'egress',
  trusted: true,
  folder: null,
  memoryBytes: 1 << 27,
  cpuMillicpu: 100,
  cpuMaxMillicpu: null,
  ...overrides,
})

let docker: FakeDocker
let engine: DockerEngine
const connect = () => DockerEngine.connect({ host: docker.host, instance: 'test', ...limits }, silentLog)

beforeEach(async () => {
  docker = await FakeDocker.listen()
  engine = await connect()
})
afterEach(async () => {
  docker.refusals.clear()
  await engine.close()
  expect([...docker.containers.values()], 'containers left').toEqual([])
  await waitUntil('nobody follows the events', () => docker.followers === 0)
  await docker.close()
})

describe('connecting', () => {
  test.each(['unix:///no/such.sock', 'tcp://127.0.0.1:1', 'http://127.0.0.1:1'])(
    'to %s, where nobody answers, says so',
    async (host) => {
      await expect(DockerEngine.connect({ host, instance: 'test', ...limits }, silentLog)).rejects.toMatchObject({
        code: 'engine_failed',
        message: 'The Docker engine does not answer. Is it running, and may this user reach it?',
      })
    },
  )

  test('to an engine that makes no network says so', async () => {
    docker.networks.splice(0)
    docker.refuse('POST /networks/create', 500, 'no')
    await expect(connect()).rejects.toMatchObject({ code: 'engine_failed', message: /network/ })
  })

  test('makes one network where containers do not reach each other, and uses one that is there', async () => {
    const second = await connect()
    expect(docker.networks).toHaveLength(1)
    expect(docker.networks[0]).toMatchObject({
      Name: 'taibai-test',
      EnableIPv6: false,
      Options: {
        'com.docker.network.bridge.enable_icc': 'false',
        'com.docker.network.driver.mtu': expect.stringMatching(/^\d+$/),
        'com.docker.network.bridge.name': 'tb-test',
      },
    })
    await second.close()
  })

  test('leaves no network behind', async () => {
    await engine.close()
    expect(docker.networks).toEqual([])
  })

  test('goes on when another server made the network at the same moment', async () => {
    docker.networks.splice(0)
    docker.refuse('POST /networks/create', 409, 'already exists')
    await (await connect()).close()
  })
})

describe('a container that cannot be had leaves none behind', () => {
  const onOutput = () => {}
  const rows: [string, string, number, RegExp][] = [
    ['that is refused', 'POST /containers/create', 500, /refused to make/],
    ['that cannot be listened to', 'POST /containers/*/attach', 500, /attach/],
    ['that cannot be started', 'POST /containers/*/start', 500, /start/],
  ]
  test('for which the bridge has no port says so', async () => {
    docker.refuse('POST /containers/*/start', 500, 'adding interface veth1 to bridge br-1 failed: exchange full')
    await expect(engine.start(spec())).rejects.toMatchObject({ code: 'engine_failed', message: /no port left/ })
    expect(docker.containers.size).toBe(0)
  })

  test.each(rows)('%s', async (_what, question, status, message) => {
    docker.refuse(question, status, 'no')
    await expect(engine.start(spec(), onOutput)).rejects.toMatchObject({ code: 'engine_failed', message })
    expect(docker.containers.size).toBe(0)
    const run = { ...spec(), args: [], timeoutMs: 1000 }
    await expect(engine.runToEnd(run, onOutput)).rejects.toMatchObject({ code: 'engine_failed', message })
    expect(docker.containers.size).toBe(0)
  })

  test('names the image when that is not there', async () => {
    await expect(engine.start(spec({ image: 'nowhere' }))).rejects.toMatchObject({ message: /nowhere/ })
    await expect(engine.prepareImage('nowhere')).rejects.toMatchObject({ message: /nowhere/ })
    await engine.prepareImage('taibai/nodejs')
  })

  test('after the engine was closed', async () => {
    await engine.close()
    await expect(engine.start(spec())).rejects.toMatchObject({ code: 'shutting_down' })
  })
})

describe('how a container ended', () => {
  test.each([
    [0, { code: 0, memoryExceeded: false }],
    [3, { code: 3, memoryExceeded: false }],
    [137, { code: 137, memoryExceeded: false }],
  ])('with code %i', async (code, exit) => {
    const sandbox = await engine.start(spec())
    docker.end(docker.only, code)
    expect(await sandbox.exited).toEqual(exit)
  })

  test('is for its memory when the engine said so before, whatever the code', async () => {
    const sandbox = await engine.start(spec())
    docker.tell('oom', docker.only)
    docker.end(docker.only, 1)
    expect(await sandbox.exited).toEqual({ code: 1, memoryExceeded: true })
  })

  test('is the doing of others when they sent it a signal, whatever the kernel said before', async () => {
    const sandbox = await engine.start(spec())
    docker.tell('oom', docker.only)
    docker.tell('kill', docker.only, { signal: '15' })
    docker.end(docker.only, 143)
    expect(await sandbox.exited).toEqual({ code: 143, memoryExceeded: false, fromOutside: true })
  })

  test.each<[string, string, Record<string, string>, Exit]>([
    ['the kernel', 'oom', {}, { code: 137, memoryExceeded: true }],
    ['somebody outside', 'kill', { signal: '9' }, { code: 137, memoryExceeded: false, fromOutside: true }],
  ])('of a kill is that of %s also when the engine says so only then', async (_who, word, more, exit) => {
    const sandbox = await engine.start(spec())
    docker.end(docker.only, 137, { stays: true })
    docker.tell(word, docker.only, more)
    expect(await sandbox.exited).toEqual(exit)
    docker.remove(docker.only)
    await sandbox.kill()
  })

  test('is the engine’s doing when nobody saw the kill: the engine ended with it', async () => {
    const sandbox = await engine.start(spec())
    docker.breakEvents()
    docker.end(docker.only, 137, { stays: true, silently: true })
    expect(await sandbox.exited).toEqual({ code: 137, memoryExceeded: false, fromOutside: true })
    docker.remove(docker.only)
    await sandbox.kill()
  })

  test('is not a kill for memory when a signal was sent', async () => {
    const sandbox = await engine.start(spec())
    await sandbox.kill()
    expect(await sandbox.exited).toEqual({ code: 137, memoryExceeded: false })
  })

  test('is reported to it alone', async () => {
    const [first, second] = [await engine.start(spec()), await engine.start(spec({ name: 'w2' }))]
    docker.tell('die', { id: 'stranger' }, { exitCode: '1' })
    docker.end([...docker.containers.values()][0] as never, 5)
    expect(await first.exited).toMatchObject({ code: 5 })
    expect(await Promise.race([second.exited, sleep(50, 'goes on')])).toBe('goes on')
  })

  test('is found out when the events broke off meanwhile', async () => {
    const sandbox = await engine.start(spec())
    const other = await engine.start(spec({ name: 'w2' }))
    docker.breakEvents()
    const [first] = [...docker.containers.values()]
    docker.end(first as never, 4, { stays: true, silently: true })
    expect(await sandbox.exited).toEqual({ code: 4, memoryExceeded: false })
    expect(await Promise.race([other.exited, sleep(50, 'goes on')])).toBe('goes on')
    docker.remove(first as never)
    await sandbox.kill()
  })

  test('is not known when it is gone without a trace', async () => {
    const sandbox = await engine.start(spec())
    docker.breakEvents()
    docker.end(docker.only, 4, { silently: true })
    expect(await sandbox.exited).toEqual({ code: null, memoryExceeded: false, fromOutside: true })
  })
})

describe('killing', () => {
  test('ends when nothing of the container is left, not before', async () => {
    const sandbox = await engine.start(spec())
    const container = docker.only
    docker.end(container, 0, { stays: true })
    const killed = sandbox.kill()
    expect(await Promise.race([killed, sleep(200, 'still there')])).toBe('still there')
    docker.remove(container)
    await killed
  })

  test('removes a container that does not remove itself', async () => {
    const sandbox = await engine.start(spec())
    docker.end(docker.only, 0, { stays: true })
    await sandbox.kill()
    expect(docker.containers.size).toBe(0)
  })

  test('is tried again while the engine fails', async () => {
    const sandbox = await engine.start(spec())
    docker.refuse('POST /containers/*/kill', 500, 'not now', 1)
    await sandbox.kill()
    expect(docker.asked.filter((question) => question.endsWith('/kill'))).toHaveLength(2)
  })

  test('one that is gone is done', async () => {
    const sandbox = await engine.start(spec())
    docker.end(docker.only, 0, { silently: true })
    await sandbox.kill()
  })
})

describe('running an image to its end', () => {
  const run = (overrides: object = {}) => {
    const printed: string[] = []
    const options = { ...spec(), args: ['a', 'b c'], timeoutMs: 5000, ...overrides }
    const result = engine.runToEnd(options, (stream, text) => printed.push(`${stream} ${text}`))
    return { result, printed }
  }

  test('passes the arguments and tells the code', async () => {
    let asked = {}
    docker.onStart = (container) => {
      asked = container.options
      docker.end(container, 6)
    }
    expect(await run().result).toEqual({ exit: { code: 6, memoryExceeded: false }, timedOut: false })
    expect(asked).toMatchObject({ Cmd: ['a', 'b c'], AttachStdout: true, AttachStderr: true })
  })

  test('passes all output on before it resolves, also what comes after the end', async () => {
    docker.onStart = (container) => {
      docker.print(container, 'stdout', 'first ')
      container.state = 'ended'
      docker.tell('die', container, { exitCode: '0' })
      setTimeout(() => {
        docker.print(container, 'stderr', 'grüß 😀')
        docker.end(container, 0)
      }, 100)
    }
    const { result, printed } = run()
    await result
    expect(printed).toEqual(['stdout first ', 'stderr grüß 😀'])
  })

  test('kills it at the deadline', async () => {
    const { result } = run({ timeoutMs: 100 })
    expect(await result).toMatchObject({ timedOut: true, exit: { memoryExceeded: false } })
  })

  test.each([
    ['before it began', () => AbortSignal.abort()],
    ['while it runs', () => AbortSignal.timeout(100)],
  ])('kills it when it is stopped %s', async (_when, signal) => {
    const { result } = run({ signal: signal() })
    expect(await result).toMatchObject({ timedOut: false, exit: { code: 137, memoryExceeded: false } })
  })
})

describe('orders to a container', () => {
  test('that has ended or is so already are fine', async () => {
    const sandbox = await engine.start(spec())
    docker.refuse('POST /containers/*/pause', 409, 'is already paused')
    docker.refuse('POST /containers/*/unpause', 500, 'Container c1 is not paused')
    docker.refuse('POST /containers/*/update', 404, 'No such container')
    await sandbox.pause()
    await sandbox.resume()
    await sandbox.limit(spec())
  })

  test.each([
    ['pause', 'pause'],
    ['resume', 'unpause'],
    ['limit', 'update'],
  ] as const)('to %s that the engine refuses say so', async (order, question) => {
    const sandbox = await engine.start(spec())
    docker.refuse(`POST /containers/*/${question}`, 500, 'no')
    await expect(sandbox[order](spec())).rejects.toMatchObject({ code: 'engine_failed' })
  })
})

describe('the container from which a folder is taken', () => {
  test('is found by the next start, and goes with the stream, even when nobody reads that', async () => {
    const { tar } = await engine.images.folder('taibai/nodejs', '/home')
    expect(docker.only.options.Labels).toEqual({ 'io.taibai.instance': 'test' })
    tar.destroy()
    await waitUntil('it is gone', () => docker.containers.size === 0)
  })

  test('that the engine does not make is its failure', async () => {
    docker.refuse('POST /containers/create', 500, 'no')
    await expect(engine.images.folder('taibai/nodejs', '/home')).rejects.toMatchObject({ code: 'engine_failed' })
  })
})

describe('what is left of an earlier run', () => {
  test('is removed, whatever its state, and counted', async () => {
    await engine.start(spec())
    await engine.start(spec({ name: 'w2' }))
    docker.end([...docker.containers.values()][0] as never, 0, { stays: true, silently: true })
    const next = await connect()
    expect(await next.removeLeftovers()).toBe(2)
    expect(await next.removeLeftovers()).toBe(0)
    await next.close()
  })

  test('that cannot be listed is an error', async () => {
    docker.refuse('GET /containers/json', 500, 'no', 1)
    await expect(engine.removeLeftovers()).rejects.toMatchObject({ code: 'engine_failed' })
  })
})
