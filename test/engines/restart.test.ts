/** The server's image on an engine that ends and begins again, as with a reboot. */
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SecondEngine } from '../../scripts/bench/second-engine.ts'
import { type Client, makeClient } from '../../src/client/client.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { runtimeImages } from '../support/docker-images.ts'
import { projectFolder } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

const longMs = 150_000
const accepted = 8

describe.runIf(process.env.TAIBAI_TEST_ENGINES === '1')('with engines of our own', () => {
  describeWithDocker('the image of the server', () => {
    let engine: SecondEngine
    let client: Client
    beforeAll(async () => {
      const how = { cwd: projectFolder, encoding: 'utf8' } as const
      const { status, stderr, stdout } = spawnSync(process.execPath, ['scripts/build-image.ts', '--if-old'], how)
      expect(status, stdout + stderr).toBe(0)
      engine = await SecondEngine.start()
      await engine.bring('taibai/server', ...runtimeImages())
    }, 600_000)
    afterAll(async () => {
      client?.close()
      await engine?.docker('stop', '-t', '45', 'taibai').catch(() => {})
      await engine?.[Symbol.asyncDispose]()
    })

    test('comes back with its engine, and its jobs and its queue go on', async () => {
      const mounts = ['-v', `${engine.socket}:/var/run/docker.sock`, '-v', 'taibai:/data']
      const few = ['-e', 'TAIBAI_GENERIC_WORKERS=1', '-e', 'TAIBAI_DRAIN_MS=1000', '-e', 'TAIBAI_MAX_ASYNC_RUNNING=1']
      const run = ['run', '-d', '--name', 'taibai', '--restart', 'unless-stopped', ...mounts, ...few]
      await engine.docker(...run, '-p', '7070:7070', 'taibai/server')
      let token = ''
      client = makeClient({ url: `http://${engine.itsAddress}:7070`, token: () => token })
      const ready = () => waitUntil('it is ready', async () => (await client.isReady()) || undefined, longMs)
      await ready()
      token = await engine.docker('exec', 'taibai', 'cat', '/data/admin.token')
      const content =
        'export const main = (event) => new Promise((done) => setTimeout(done, event?.ms ?? 0, event?.n ?? "job"))'
      const code = { source: 'inline', filename: 'main.mjs', content }
      const fn = await client.functions.create({ name: 'slow', runtime: 'nodejs', code, timeout: 60 })
      const ask = async (method: string, path: string, json?: object) =>
        (await client.connection.request(method, path, json === undefined ? {} : { json })).json as Record<
          string,
          never
        >
      await ask('POST', '/v1/jobs', { name: 'often', function_id: fn.id, pattern: '* * * * *', count: 1000 })
      const ids: string[] = []
      for (let n = 0; n < accepted; n++) {
        const input = JSON.stringify({ n, ms: 2000 })
        ids.push(String((await ask('POST', '/v1/executions', { function_id: fn.id, input, sync: false })).id))
      }
      await engine.end()
      const endedAt = new Date().toISOString()
      await engine.begin()
      await ready()
      const rows = () => Promise.all(ids.map((id) => ask('GET', `/v1/executions/${id}`)))
      const over = async () => (await rows()).every(({ status }) => status !== 'running') || undefined
      await waitUntil('what was accepted is over', over, longMs)
      expect((await rows()).map(({ status, output }) => [status, output])).toEqual(ids.map((_id, n) => ['success', n]))
      const since = async () => {
        const query = `trigger=job&created_at=gte:${endedAt.slice(0, 19)}Z`
        const { executions } = await ask('GET', `/v1/executions?${query}`)
        return (executions as unknown as object[]).length > 0
      }
      await waitUntil('the job has run again', async () => (await since()) || undefined, longMs)
    })
  })
})
