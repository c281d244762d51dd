import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EngineProxy } from '../../scripts/setup/engine-proxy.ts'
import { DataFolder } from '../support/data-folder.ts'
import { dockerSocket, removeContainer } from '../support/docker-api.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { docker } from '../support/docker-images.ts'
import { ended } from '../support/executions-of.ts'
import { fixtureActions } from '../support/fixture-functions.ts'
import { launchServer, ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** A server whose Docker engine is not there, goes away, hangs, and comes back. */

describe('A server without its Docker engine', () => {
  test('does not start: one sentence, exit code 1', async () => {
    await using data = new DataFolder()
    for (const host of [`unix://${join(data.path, 'nothing.sock')}`, 'tcp://127.0.0.1:1']) {
      const program = launchServer({ engine: 'docker', data, settings: { TAIBAI_DOCKER_HOST: host } })
      expect(await program.ended()).toEqual({ code: 1, signal: null })
      expect(program.stderr).toBe('The Docker engine does not answer. Is it running, and may this user reach it?\n')
      expect(program.stdout).not.toContain('taibai is ready')
    }
  })
})

describeWithDocker('A server that loses its Docker engine', () => {
  const data = new DataFolder()
  let line: EngineProxy
  let server: ServerProcess
  let settings: Record<string, string>
  beforeAll(async () => {
    line = await EngineProxy.open(dockerSocket)
    settings = {
      TAIBAI_DOCKER_HOST: `unix://${line.path}`,
      TAIBAI_GENERIC_WORKERS: '0',
      TAIBAI_DRAIN_MS: '2000',
      TAIBAI_REMOVAL_MS: '3000',
      TAIBAI_ACQUIRE_TIMEOUT_MS: '4000',
    }
    server = await ServerProcess.start({ engine: 'docker', data, settings })
    await server.deploy('warm', fixtureActions.nodejs)
    // No generic worker without a network is kept ready: a new worker is a new container.
    for (const name of ['cold', 'doomed', 'late']) await server.deploy(name, fixtureActions.nodejs, { network: 'none' })
    await server.deploy('hasty', fixtureActions.nodejs, { timeout: 1 })
    for (const name of ['warm', 'doomed', 'hasty']) await served(name)
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await line?.[Symbol.asyncDispose]()
    await data[Symbol.asyncDispose]()
  })

  /** A start that fails at once, or, when the server has noticed before that the engine is away, a wait for its return. */
  const saysWhy = {
    status: 503,
    json: {
      code: 'platform_failed',
      faultstring: expect.stringMatching(/Docker engine|engine that starts workers does not answer/),
    },
  }
  const call = (name: string, event: unknown = { do: 'echo', value: 'served' }) =>
    server.ask('POST', `/fn/${name}`, { json: event })
  /** However long a start takes on this machine. */
  const served = (name: string) =>
    waitUntil(`${name} is served`, async () => (await call(name)).text === 'served', 90_000)
  const containerOf = async (name: string): Promise<string> => {
    const { id } = (await server.must('GET', `/v1/functions/${name}`)).json
    const [worker] = (await server.must('GET', `/v1/functions/${id}/workers`)).json.workers
    const found = (await data.containers()).find(({ Labels }) => Labels['io.taibai.worker'] === worker.worker_name)
    return found?.Id as string
  }

  test('goes on with the workers it has, and says clearly what it cannot do', async () => {
    const doomed = await containerOf('doomed')
    line.cut()
    await waitUntil('it notices', () => server.log.some(({ msg }) => msg === 'lost the docker engine; trying again'))
    expect(await call('warm')).toMatchObject({ status: 200, text: 'served' })
    expect(await call('cold')).toMatchObject(saysWhy)
    expect((await call('cold')).headers.get('retry-after')).toBe('1')
    // Its container ends while nobody can tell the server.
    await removeContainer(doomed)
    expect(await call('doomed')).toMatchObject(saysWhy)
    expect(await call('warm')).toMatchObject({ status: 200, text: 'served' })
  })

  test('answers calls whose time is over, and keeps accepted ones', async () => {
    expect(await call('hasty', { do: 'loop' })).toMatchObject({ status: 504 })
    const json = { function_id: 'cold', input: '{"do": "echo", "value": "kept"}', sync: false }
    const { id } = (await server.must('POST', '/v1/executions', { json })).json
    line.mend()
    expect(await ended(server, id)).toMatchObject({ status: 'success', output: 'kept' })
  })

  test('recovers when the engine is back: everything is served, and what outlived its time is removed', async () => {
    for (const name of ['warm', 'cold', 'doomed', 'hasty']) await served(name)
    await expect.poll(() => data.oddWorkers(), { timeout: 90_000, interval: 100 }).toEqual([])
  })

  test('says which image it is that the engine has no more', async () => {
    const image = `taibai-test/lost-${data.instance}:1`
    await docker('tag', 'taibai/nodejs', image)
    const code = { source: 'image', image }
    await server.must('POST', '/v1/functions', { json: { name: 'imageless', code } })
    await docker('rmi', image)
    const answer = await call('imageless')
    expect(answer).toMatchObject({ status: 503, json: { code: 'platform_failed' } })
    expect(answer.json.faultstring).toContain(`The image ${image} is not on this machine`)
    expect(await call('warm')).toMatchObject({ status: 200, text: 'served' })
  })

  test('keeps running while the engine hangs: nothing is cancelled, and it says so', async () => {
    const ready = async () => (await server.ask('GET', '/readyz')).status
    const timing = async () => (await call('warm')).headers.get('server-timing')
    await served('warm')
    line.hold()
    await expect.poll(ready, { timeout: 30_000, interval: 200 }).toBe(503)
    const json = { function_id: 'late', input: '{"do": "echo", "value": "kept"}', sync: false }
    const { id } = (await server.must('POST', '/v1/executions', { json })).json
    expect(await call('late')).toMatchObject(saysWhy)
    expect(await timing()).toContain('desc="warm')
    line.mend()
    await expect.poll(ready, { timeout: 30_000, interval: 200 }).toBe(200)
    expect(await ended(server, id)).toMatchObject({ status: 'success', output: 'kept', attempt: 1 })
    expect(await timing(), 'its worker is there still').toContain('desc="warm')
    await expect.poll(() => data.oddWorkers(), { timeout: 90_000, interval: 100 }).toEqual([])
  })

  test('stops in time while the engine hangs, and what is left goes with it or with the next start', async () => {
    line.hold()
    const from = performance.now()
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(performance.now() - from, 'draining and removal have 40 s').toBeLessThan(45_000)
    line.mend()
    server = await ServerProcess.start({ engine: 'docker', data, settings })
    await served('warm')
    await expect.poll(() => data.oddWorkers(), { timeout: 90_000, interval: 100 }).toEqual([])
  })

  test('stops in time while the engine is away, and the next start removes what is left', async () => {
    await call('warm')
    line.cut()
    const from = performance.now()
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(performance.now() - from, 'draining and removal have 40 s').toBeLessThan(45_000)
    line.mend()
    await using next = await ServerProcess.start({ engine: 'docker', data, settings: { TAIBAI_GENERIC_WORKERS: '0' } })
    expect(await next.ask('POST', '/fn/warm', { json: { do: 'echo', value: 'again' } })).toMatchObject({
      text: 'again',
    })
    await next.stop()
    await waitUntil('no container is left', async () => (await data.containers()).length === 0)
  })
})
