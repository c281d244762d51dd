/** A whole server on a swarm of two nodes: what it says and does while its parts fail. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Swarm } from '../../scripts/bench/swarm-nodes.ts'
import { readRuntimes } from '../../src/engine/worker/runtime-catalog.ts'
import { DataFolder } from '../support/data-folder.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { runtimesFolder } from '../support/docker-workers.ts'
import { ServerProcess, serverEnvironment, serverProgram } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

describe.runIf(process.env.TAIBAI_TEST_ENGINES === '1')('with engines of our own', () => {
  describeWithDocker('a server on a swarm', () => {
    let swarm: Swarm
    let server: ServerProcess
    let data: DataFolder
    const settings = () => ({
      TAIBAI_DOCKER_HOST: `unix://${swarm.manager.socket}`,
      TAIBAI_LINK_ADDRESS: swarm.ourAddress,
    })
    const start = async () => {
      data = new DataFolder()
      server = await ServerProcess.start({ engine: 'swarm', settings: settings(), data })
    }
    beforeAll(async () => {
      swarm = await Swarm.start(...new Set(readRuntimes(runtimesFolder, []).map(({ image }) => image)))
      await label('--label-add', 'at=other')
      await start()
    }, 300_000)
    afterAll(async () => {
      await server?.stop()
      await server?.[Symbol.asyncDispose]()
      await data?.[Symbol.asyncDispose]()
      await swarm?.[Symbol.asyncDispose]()
    }, 120_000)

    const label = async (...labels: string[]) =>
      swarm.manager.docker('node', 'update', ...labels, await swarm.nodeOf(swarm.other))
    const slow = `export const main = ({ n, ms = 0 }) => new Promise((done) => setTimeout(done, ms, n))`
    const placed = { placement: { at: 'other' }, concurrency: 8, min_workers: 1 }
    const call = (name: string, json: object) => server.ask('POST', `/fn/${name}`, { json })
    const served = (name: string) => async () => (await call(name, { n: 1 })).status === 200
    const accept = async (function_id: string, n: number) => {
      const json = { function_id, input: JSON.stringify({ n }), sync: false }
      return String((await server.must('POST', '/v1/executions', { json })).json.id)
    }
    const services = async () =>
      (await swarm.manager.docker('service', 'ls', '--format', '{{.Name}}'))
        .split('\n')
        .filter((name) => /^taibai-/.test(name))

    test('taibai up deploys and calls its samples there, cold and warm, as on one host', async () => {
      await using place = new DataFolder()
      const env = serverEnvironment({
        ...settings(),
        TAIBAI_ENGINE: 'swarm',
        TAIBAI_DATA_DIR: join(place.path, 'data'),
        TAIBAI_CONFIG_DIR: join(place.path, 'config'),
        TAIBAI_PORT: String(20_000 + Math.floor(Math.random() * 12_000)),
      })
      const taibai = (...args: string[]) => promisify(execFile)(process.execPath, [serverProgram, ...args], { env })
      try {
        const { stdout } = await taibai('up')
        for (const how of ['cold', 'prewarmed', 'warm'])
          expect(stdout.match(new RegExp(`^  ${how} .*Taibai`, 'gm'))).toHaveLength(2)
      } finally {
        await taibai('down')
      }
    }, 180_000)

    test('a call on a node that loses its network ends as the platform’s fault, 503 with Retry-After, in less than five seconds', async () => {
      await server.deploy('cut', slow, placed)
      await waitUntil('it is warm', served('cut'))
      const took: number[] = []
      const long = call('cut', { n: 2, ms: 60_000 })
      await waitUntil(
        'it runs',
        async () => (await server.must('GET', '/v1/functions/cut/workers')).json.workers.length > 0,
      )
      const from = performance.now()
      const join = await swarm.cut()
      const answer = await long
      took.push(Math.round(performance.now() - from))
      await join()
      process.stdout.write(`from the loss of the network to the answer: ${took} ms\n`)
      expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([503, true])
      expect(took[0]).toBeLessThan(5000)
      await server.ask('DELETE', '/v1/functions/cut')
    }, 120_000)

    test('the manager’s engine is killed: warm workers go on, who needs a new one is told why, and accepted runs are done afterwards', async () => {
      await server.deploy('steady', slow, placed)
      await waitUntil('it is warm', served('steady'))
      const later = await server.deploy('later', slow)
      const long = call('steady', { n: 2, ms: 10_000 })
      const begin = await swarm.manager.killEngine()
      expect((await call('steady', { n: 3 })).json).toBe(3)
      const ids = await Promise.all([0, 1, 2].map((n) => accept(later, n)))
      await waitUntil('it knows', async () => (await server.ask('GET', '/readyz')).status === 503)
      expect((await server.ask('GET', '/healthz')).status).toBe(200)
      const refused = await call('later', { n: 9 })
      expect([refused.status, refused.json.faultstring]).toEqual([503, expect.stringMatching(/engine|manager/i)])
      expect((await call('steady', { n: 4 })).json).toBe(4)
      await begin()
      expect((await long).json).toBe(2)
      await waitUntil('new workers start', served('later'), 120_000)
      const rows = async () =>
        Promise.all(ids.map(async (id) => (await server.must('GET', `/v1/executions/${id}`)).json))
      await waitUntil('they are over', async () => (await rows()).every(({ status }) => status !== 'running'), 120_000)
      expect((await rows()).map(({ status, output }) => [status, output])).toEqual(ids.map((_id, n) => ['success', n]))
      expect((await server.ask('GET', '/readyz')).status).toBe(200)
      for (const name of ['steady', 'later']) await server.ask('DELETE', `/v1/functions/${name}`)
    }, 300_000)

    test('a server that was killed and whose data are lost: its workers end, and the next one leaves alone what is not its own', async () => {
      await server.deploy('orphan', slow, placed)
      await waitUntil('it is warm', served('orphan'))
      const instance = data.instance
      await server.kill()
      await server[Symbol.asyncDispose]()
      await data[Symbol.asyncDispose]()
      const isOurs = (name: string) => name.startsWith(`taibai-${instance}-`)
      const left = (await services()).filter(isOurs)
      expect(left.length).toBeGreaterThan(0)
      await start()
      await server.deploy('fresh', slow)
      await waitUntil('the new one serves', served('fresh'))
      const running = async () => (await swarm.other.docker('ps', '--format', '{{.Names}}')).split('\n').filter(isOurs)
      await waitUntil('its workers have ended', async () => (await running()).length === 0)
      expect((await services()).filter(isOurs)).toEqual(left)
      await swarm.manager.docker('service', 'rm', ...left)
    }, 180_000)
  })
})
