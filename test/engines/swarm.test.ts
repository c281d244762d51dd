/** Workers as tasks of a swarm of two nodes keep the contract of all workers, and what can happen to a node happens to one. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SecondEngine } from '../../scripts/bench/second-engine.ts'
import { Swarm } from '../../scripts/bench/swarm-nodes.ts'
import type { RuntimeManifest } from '../../src/domain/functions/runtime.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import type { PoolWorker } from '../../src/engine/pool/pool-worker.ts'
import { SwarmEngine } from '../../src/engine/sandbox/swarm/swarm-engine.ts'
import type { WorkerLinks } from '../../src/engine/worker/link.ts'
import { openLinks } from '../../src/engine/worker/open-links.ts'
import { readRuntimes } from '../../src/engine/worker/runtime-catalog.ts'
import { SandboxWorkers } from '../../src/engine/worker/worker-factory.ts'
import { deployInLines, zipOfFiles } from '../support/built-packages.ts'
import { engineWorkersContract } from '../support/contracts/engine-workers.ts'
import { DataFolder } from '../support/data-folder.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { builtImages } from '../support/docker-images.ts'
import { engineDefaults, runtimeFolders, runtimesFolder } from '../support/docker-workers.ts'
import { CountedClock } from '../support/engine-parts-process.ts'
import { aCall, aRevision, mib } from '../support/fake-workers-pool.ts'
import { noSecrets } from '../support/no-secrets.ts'
import { PrivateRegistry } from '../support/private-registry.ts'
import { ServerProcess, serverProgram } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

describe.runIf(process.env.TAIBAI_TEST_ENGINES === '1')('with engines of our own', () => {
  describeWithDocker('a swarm', () => {
    const clock = new CountedClock()
    const loadTimeoutMs = 4000
    const folder = mkdtempSync(join(tmpdir(), 'taibai-swarm-'))
    let swarm: Swarm
    let engine: SwarmEngine
    let links: WorkerLinks
    let factory: SandboxWorkers
    let manifests: RuntimeManifest[]
    let last = 0
    const images = builtImages('http', 'command', 'openwhisk', 'fission-whole')

    beforeAll(async () => {
      manifests = readRuntimes(runtimesFolder, [])
      const own = (['http', 'command', 'openwhisk', 'fission-whole'] as const).map(images)
      swarm = await Swarm.start(...new Set(manifests.map(({ image }) => image)), ...own)
      engine = await connect('one')
      links = await openLinks(engine, '', clock)
      factory = new SandboxWorkers({
        ...{ engine, links, clock, log: silentLog, manifests, loadTimeoutMs },
        secrets: noSecrets,
        codeFolder: (hash) => join(folder, hash),
        streamIdleMs: 60_000,
        maxResultBytes: 8 * mib,
        newName: () => `w${++last}`,
        startTimeoutMs: 60_000,
        stopGraceMs: 0,
        cpuDefaultMillicpu: 100,
        languageVersions: new Map(),
      })
      for (const name of runtimeFolders()) storeCode(name, name, {})
    }, 300_000)
    afterAll(async () => {
      await links?.close()
      await engine?.close()
      const left = swarm && (await leftovers())
      await swarm?.[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
      expect(left).toEqual('')
    }, 120_000)

    const connect = (instance: string) =>
      SwarmEngine.connect(
        {
          ...engineDefaults,
          host: `unix://${swarm.manager.socket}`,
          instance: `test-${instance}`,
          linkAddress: swarm.manager.ourAddress,
          codeSizeMb: 64,
          stopGraceMs: 0,
        },
        silentLog,
      )
    const storeCode = (hash: string, runtime: string, files: Record<string, string>) => {
      cpSync(join(runtimesFolder, runtime, 'conformance'), join(folder, hash), { recursive: true })
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, hash, name), text)
      return hash
    }
    const imageOf = (runtime: string) => manifests.find(({ name }) => name === runtime)?.image as string
    /** Services, secrets and networks of ours, by name. */
    const leftovers = async () => {
      const lists = ['service', 'secret', 'network'].map((what) =>
        swarm.manager.docker(what, 'ls', '--format', '{{.Name}}'),
      )
      return (await Promise.all(lists))
        .flatMap((list) => list.split('\n').filter((name) => /^taibai/.test(name)))
        .join()
    }

    /** A worker of the conformance function. */
    const bound = async (runtime = 'nodejs') => {
      const limits = { image: imageOf(runtime), network: 'egress' as const, memoryBytes: 192 * mib }
      const worker = await factory.startGeneric({ ...limits, api: false, trusted: true })
      expect(await worker.bind(aRevision({ ...limits, packageHash: runtime }))).toMatchObject({ loaded: true })
      return worker
    }
    const ask = (worker: PoolWorker, event: unknown): Promise<Outcome> =>
      worker.call(aCall({ input: { kind: 'json', body: Buffer.from(JSON.stringify(event)) } }), 60_000)
    /** What a program prints inside. */
    const inside = async (worker: PoolWorker, ...argv: string[]) => {
      const outcome = (await ask(worker, { do: 'run', argv })) as Extract<Outcome, { kind: 'returned' }>
      return JSON.parse(outcome.value.body.toString()) as { code: number; stdout: string }
    }
    const nodeOf = (worker: PoolWorker) =>
      swarm.manager.docker('service', 'ps', `taibai-test-one-${worker.name}`, '--format', '{{.Node}}')

    describe('refuses', () => {
      test('an engine that manages none', async () => {
        const host = `unix://${swarm.other.socket}`
        const connecting = SwarmEngine.connect({ ...engineDefaults, host, instance: 'x' }, silentLog)
        await expect(connecting).rejects.toThrow(/not a manager of a swarm.*docker swarm init/)
      })

      test('what cannot be: a worker without a network, and images of functions', async () => {
        const shape = { image: imageOf('nodejs'), api: false, trusted: true, memoryBytes: 128 * mib }
        await expect(factory.startGeneric({ ...shape, network: 'none' })).rejects.toThrow(/"network": "none"/)
        const image = aRevision({ kind: 'http', image: imageOf('nodejs'), network: 'egress' })
        await expect(factory.startImage(image)).rejects.toMatchObject({ code: 'not_supported' })
      })

      test('more memory than any node has, and says so soon', async () => {
        const shape = { image: imageOf('nodejs'), network: 'egress' as const, api: false, trusted: true }
        const starting = factory.startGeneric({ ...shape, memoryBytes: 1e15 })
        await expect(starting).rejects.toThrow(/no place for a worker: .*insufficient resources/)
      })

      test('a node without the image, by its name', async () => {
        await swarm.manager.docker('tag', imageOf('nodejs'), 'taibai-test/kept:1')
        await swarm.manager.docker('node', 'update', '--availability', 'drain', await swarm.nodeOf(swarm.manager))
        const removed = swarm.other.docker('rmi', '-f', imageOf('python3'))
        try {
          await removed
          const shape = { image: imageOf('python3'), network: 'egress' as const, api: false, trusted: true }
          const starting = factory.startGeneric({ ...shape, memoryBytes: 128 * mib })
          const node = await swarm.nodeOf(swarm.other)
          await expect(starting).rejects.toThrow(`The node ${node} does not have the worker's image`)
        } finally {
          await swarm.manager.docker('node', 'update', '--availability', 'active', await swarm.nodeOf(swarm.manager))
          await swarm.other.bring(imageOf('python3'))
        }
      })
    })

    describe('keeps the contract of workers', () => {
      engineWorkersContract(() => ({
        factory,
        image: imageOf('nodejs'),
        packageHash: 'nodejs',
        storeCode: (hash, files) => storeCode(hash, 'nodejs', files),
        loadTimeoutMs,
        network: 'egress',
        isFixedOnceStarted: true,
      }))
    })

    test('spreads workers over its nodes, and each runs functions', async () => {
      const workers = await Promise.all([bound('nodejs'), bound('python3'), bound('nodejs'), bound('python3')])
      expect(new Set(await Promise.all(workers.map(nodeOf))).size).toBe(2)
      for (const worker of workers)
        expect(await ask(worker, { do: 'echo', value: 1 })).toMatchObject({ kind: 'returned' })
      await Promise.all(workers.map((worker) => worker.kill()))
    })

    test('says what its nodes have together, and what it cannot say of a task', async () => {
      expect(engine.machines.now().map(({ isOpen, labels }) => ({ isOpen, labels }))).toEqual([
        { isOpen: true, labels: {} },
        { isOpen: true, labels: {} },
      ])
      const { name, findings } = await engine.report()
      expect(name).toBe('Docker Swarm')
      const said = findings.map(({ says }) => says).join('\n')
      expect(said).toMatch(/Workers run on 2 of 2 nodes/)
      expect(said).not.toMatch(/is noticed after/)
    })

    test('gives a task the limits and the isolation of a container', async () => {
      const worker = await bound()
      const status = (await inside(worker, 'cat', '/proc/self/status')).stdout
      expect(status).toMatch(/^CapBnd:\t0+$/m)
      expect(status).toMatch(/^Seccomp:\t2$/m)
      expect(status).toMatch(/^Uid:\t64\d\d\d\t/m)
      const mounts = (await inside(worker, 'cat', '/proc/mounts')).stdout
      expect(mounts).toMatch(/^overlay \/ overlay ro,/m)
      expect(mounts).toMatch(/^tmpfs \/tmp tmpfs rw,nosuid,nodev,relatime,size=16384k/m)
      expect((await inside(worker, 'sh', '-c', 'ulimit -n')).stdout.trim()).toBe('256')
      expect((await inside(worker, 'id', '-un')).stdout.trim()).toBe('function')
      expect(
        (
          await inside(worker, 'sh', '-c', 'cat /sys/fs/cgroup/pids/pids.max || cat /sys/fs/cgroup/pids.max')
        ).stdout.trim(),
      ).toBe('64')
      expect((await inside(worker, 'sh', '-c', 'touch /x')).code).not.toBe(0)
      const service = await swarm.manager.docker('service', 'inspect', `taibai-test-one-${worker.name}`)
      const key = (await inside(worker, 'cat', '/taibai.key/key')).stdout.split(' ')[1] as string
      expect(key.length).toBeGreaterThan(20)
      expect(service).not.toContain(key)
      await worker.kill()
    })

    test('lets no worker reach another', async () => {
      const [one, two] = await Promise.all([bound(), bound()])
      const address = (await inside(two, 'hostname', '-i')).stdout.trim().split(' ')[0]
      const script = `const s = require('node:net').connect(1, '${address}'); s.on('error', (e) => { console.log(e.code); process.exit() }); setTimeout(() => { console.log('silence'); process.exit() }, 2000)`
      expect((await inside(one, 'node', '-e', script)).stdout.trim()).toMatch(
        /^(silence|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/,
      )
      await Promise.all([one.kill(), two.kill()])
    })

    describe('when something happens to a node', () => {
      /** One on the node that is to suffer. */
      const onOther = async () => {
        const other = await swarm.nodeOf(swarm.other)
        const workers: PoolWorker[] = []
        // The swarm places the next where there are fewer: two are enough, unless something else goes on.
        for (;;) {
          const worker = await bound()
          if ((await nodeOf(worker)) !== other) workers.push(worker)
          else {
            await Promise.all(workers.map((one) => one.kill()))
            return worker
          }
        }
      }

      test('that loses its network: its calls end as the platform’s fault within ten seconds', async () => {
        const worker = await onOther()
        const call = ask(worker, { do: 'sleep', ms: 120_000 })
        await pause(300)
        const from = performance.now()
        const join = await swarm.cut()
        expect(await call).toMatchObject({ kind: 'platform' })
        expect(performance.now() - from).toBeLessThan(10_000)
        await worker.gone
        const elsewhere = await bound()
        expect(await ask(elsewhere, { do: 'echo', value: 'on' })).toMatchObject({ kind: 'returned' })
        await elsewhere.kill()
        await join()
      })

      test('that is drained: its workers end as from outside, and new ones come elsewhere', async () => {
        const worker = await onOther()
        const call = ask(worker, { do: 'sleep', ms: 120_000 })
        await pause(300)
        await swarm.manager.docker('node', 'update', '--availability', 'drain', await swarm.nodeOf(swarm.other))
        expect(await call).toMatchObject({ kind: 'platform' })
        const elsewhere = await bound()
        expect(await nodeOf(elsewhere)).toBe(await swarm.nodeOf(swarm.manager))
        await elsewhere.kill()
        await swarm.manager.docker('node', 'update', '--availability', 'active', await swarm.nodeOf(swarm.other))
      })

      test('whose service somebody removes: it ended from outside', async () => {
        const worker = await bound()
        const call = ask(worker, { do: 'sleep', ms: 120_000 })
        await pause(300)
        await swarm.manager.docker('service', 'rm', `taibai-test-one-${worker.name}`)
        expect(await call).toMatchObject({ kind: 'platform' })
      })
    })

    describe('under a whole server', () => {
      const data = new DataFolder()
      let server: ServerProcess
      const start = async (from = data) => {
        const settings = {
          TAIBAI_DOCKER_HOST: `unix://${swarm.manager.socket}`,
          TAIBAI_LINK_ADDRESS: swarm.ourAddress,
          TAIBAI_GENERIC_WORKERS: '1',
        }
        server = await ServerProcess.start({ engine: 'swarm', settings, data: from })
      }
      beforeAll(() => start(), 120_000)
      afterAll(async () => {
        await server?.stop()
        await server?.[Symbol.asyncDispose]()
        await data[Symbol.asyncDispose]()
      }, 60_000)
      const slow = `export const main = ({ n, ms = 0 }) => new Promise((done) => setTimeout(done, ms, n))`
      const accepted = async (function_id: string, n: number, ms: number) => {
        const json = { function_id, input: JSON.stringify({ n, ms }), sync: false }
        return String((await server.must('POST', '/v1/executions', { json })).json.id)
      }
      const shown = (ids: string[]) =>
        Promise.all(ids.map(async (id) => (await server.must('GET', `/v1/executions/${id}`)).json))
      const running = async (ids: string[], count: number) => {
        const begun = async () => (await shown(ids)).filter(({ attempt }) => attempt >= 1).length >= count
        // Longer than a start that is given up after a minute and tried on the other node.
        await waitUntil(`${count} run`, begun, 180_000).catch((error: unknown) => {
          throw new Error(`${error}\n${server.output.slice(-4000)}`)
        })
      }
      const allDone = async (ids: string[]) => {
        const over = async () => (await shown(ids)).every(({ status }) => status !== 'running')
        await waitUntil('all are over', over, 180_000)
        const ends = (await shown(ids)).map(({ status, output, error }) => [status, error ?? output])
        expect(ends).toEqual(ids.map((_id, n) => ['success', n]))
      }
      const label = async (engine: SecondEngine, ...labels: string[]) =>
        swarm.manager.docker('node', 'update', ...labels, await swarm.nodeOf(engine))

      test('the nodes’ labels say where a function runs, and who asks for others is told so', async () => {
        await server.deploy('placed', slow, { placement: { at: 'other' } })
        const refused = await server.ask('POST', '/fn/placed', { json: { n: 1 } })
        expect([refused.status, refused.json.faultstring]).toEqual([503, expect.stringMatching(/placement: at=other/)])
        await label(swarm.other, '--label-add', 'at=other')
        const served = async () => (await server.ask('POST', '/fn/placed', { json: { n: 1 } })).status === 200
        await waitUntil('the label is known', served, 60_000)
        const { json } = await server.must('GET', '/v1/functions/placed/workers')
        const name = json.workers[0].worker_name
        const services = await swarm.manager.docker('service', 'ls', '--format', '{{.Name}}', '--filter', 'name=taibai')
        const service = services.split('\n').find((each) => each.endsWith(String(name)))
        const node = await swarm.manager.docker('service', 'ps', String(service), '--format', '{{.Node}}')
        expect(node).toBe(await swarm.nodeOf(swarm.other))
      })

      test('what a package asks for is installed on the manager, and comes to the nodes with the code', async () => {
        const files = {
          'package.json': JSON.stringify({ dependencies: { answer: 'file:./answer' } }),
          'answer/package.json': JSON.stringify({ name: 'answer', version: '1.0.0', main: 'index.js' }),
          'answer/index.js': 'module.exports = 42',
          'main.mjs': "import answer from 'answer'\nexport const main = () => answer",
        }
        const { output } = await deployInLines(server, 'built', 'nodejs', files)
        expect(output).toContain('npm install')
        expect((await server.must('POST', '/fn/built')).json).toBe(42)
        expect(await swarm.manager.docker('ps', '-a', '-q', '--filter', 'name=build-')).toBe('')
      })

      test('functions that are images serve calls over a helper beside them, run to their end, and print', async () => {
        const image = (mode: string, more = {}) => ({
          source: 'image',
          image: images(mode === 'command' ? mode : 'http'),
          mode,
          ...more,
        })
        await server.must('POST', '/v1/functions', { json: { name: 'web', code: image('http', { port: 8080 }) } })
        const answers = await Promise.all([1, 2, 3].map(() => server.ask('POST', '/fn/web/headers')))
        expect(answers.map(({ status, text }) => [status, text])).toEqual([1, 2, 3].map(() => [418, 'teapot']))
        const json = { function_id: 'web', input: '{"n":1}' }
        const { id, output } = (await server.must('POST', '/v1/executions', { json })).json
        expect(output.body).toBe('{"n":1}')
        expect((await server.ask('POST', '/fn/web/print')).text).toBe('printed')
        expect((await server.must('GET', `/v1/executions/${id}`)).json.status).toBe('success')
        const closed = { name: 'once', code: image('command'), network: 'none' }
        await server.must('POST', '/v1/functions', { json: closed })
        const run = await server.must('POST', '/v1/executions', { json: { function_id: 'once', input: '' } })
        expect(run.json.status).toBe('success')
        for (const name of ['web', 'once']) await server.ask('DELETE', `/v1/functions/${name}`)
      })

      test('an action image of OpenWhisk and an environment of Fission serve calls; a package beside one is refused', async () => {
        const deploy = (name: string, mode: string, from: 'openwhisk' | 'fission-whole') => {
          const code = {
            source: 'image',
            image: images(from),
            mode,
            ...(mode === 'fission' && { init: { main: 'a.b' } }),
          }
          return server.must('POST', '/v1/functions', { json: { name, code, memory_size: 128 * mib } })
        }
        await deploy('act', 'openwhisk', 'openwhisk')
        const json = { function_id: 'act', input: '{"n":1}' }
        const run = (await server.must('POST', '/v1/executions', { json })).json
        expect(run).toMatchObject({ status: 'success', output: { params: { n: 1 } } })
        await deploy('environment', 'fission', 'fission-whole')
        const answer = await server.ask('POST', '/fission-function/environment', { body: 'x' })
        expect([answer.status, answer.text]).toEqual([200, 'a.b x'])
        const code = JSON.stringify({ source: 'image', image: images('fission-whole'), mode: 'fission' })
        const refused = await server.ask('POST', `/v1/functions?${new URLSearchParams({ name: 'beside', code })}`, {
          body: zipOfFiles({ 'a.mjs': 'export const b = 1' }),
          headers: { 'content-type': 'application/zip' },
        })
        expect([refused.status, refused.json.faultstring]).toEqual([400, expect.stringMatching(/build the code into/)])
        for (const name of ['act', 'environment']) await server.ask('DELETE', `/v1/functions/${name}`)
      })

      test('an image of a private registry is fetched by the node with the stored credentials, which no one reads in the swarm', async ({
        skip,
      }) => {
        await using registry = await PrivateRegistry.start(swarm.ourAddress)
        if (registry === null) return skip('docker-registry and apache2-utils are not installed.')
        const { host, username, password } = registry
        const image = await registry.push((...args) => swarm.manager.docker(...args), images('http'), 'team/app:1')
        await label(swarm.other, '--label-add', 'fetches=yes')
        const code = { source: 'image', image, mode: 'http', port: 8080 }
        const placement = { fetches: 'yes' }
        await server.must('POST', '/v1/functions', { json: { name: 'ours', code, placement, memory_size: 128 * mib } })
        const call = () => server.ask('POST', '/fn/ours/headers')
        expect((await call()).status).toBe(503)
        await server.must('PUT', `/v1/registries/${host}`, { json: { username, password } })
        await waitUntil('it serves', async () => (await call()).status === 418, 90_000)
        const services = await swarm.manager.docker('service', 'ls', '-q')
        const all = await swarm.manager.docker('service', 'inspect', ...services.split('\n'))
        expect(all).toContain(`${host}/team/app@sha256:`)
        expect(all).not.toContain(password)
        expect(all).not.toMatch(/RegistryAuth/i)
        expect(server.output).not.toContain(password)
        await server.ask('DELETE', '/v1/functions/ours')
        await server.ask('DELETE', `/v1/registries/${host}`)
      })

      test('functions run with the limits that they ask for, and say where they are not possible', async () => {
        await waitUntil('one is ready', async () => {
          const { json } = await server.must('GET', '/v1/runtimes')
          const { id } = json.runtimes.find(({ name }: { name: string }) => name === 'nodejs')
          return (await server.must('GET', `/v1/runtimes/${id}/pool`)).json.capacity.available > 0
        })
        await server.deploy('hello', 'export const main = (event) => ({ hello: event })')
        const first = await server.must('POST', '/fn/hello', { json: 'me' })
        expect(first.headers.get('server-timing')).toMatch(/desc="prewarmed/)
        await server.deploy('large', "import os from 'node:os'\nexport const main = () => os.userInfo().username", {
          memory_size: 256 * mib,
          cpu_max: 500,
        })
        expect((await server.must('POST', '/fn/hello', { json: 'you' })).json).toEqual({ hello: 'you' })
        expect((await server.must('POST', '/fn/large')).text).toBe('function')
        const closed = server.deploy('closed', 'export const main = () => 1', { network: 'none' })
        await expect(closed).rejects.toThrow(/network.*none.*cannot run on a swarm/)
        const json = { name: 'lambda', code: { source: 'image', image: 'i', mode: 'lambda' } }
        const refused = await server.ask('POST', '/v1/functions', { json })
        expect([refused.status, refused.json.faultstring]).toEqual([400, expect.stringMatching(/"lambda" do not run/)])
      })

      test('what was accepted is done once when a node is lost in mid-run, and callers are told to come again', async () => {
        const content = `export const main = (event) => new Promise((done) => setTimeout(done, event.ms, event.n))`
        const function_id = await server.deploy('slow', content, { concurrency: 1, max_workers: 4 })
        const accepted = async (n: number) => {
          const json = { function_id, input: JSON.stringify({ n, ms: 6000 }), sync: false }
          return String((await server.must('POST', '/v1/executions', { json })).json.id)
        }
        const ids = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(accepted))
        const show = async (id: string) => (await server.must('GET', `/v1/executions/${id}`)).json
        const running = async () => (await Promise.all(ids.map(show))).filter(({ attempt }) => attempt >= 1).length
        await waitUntil('four run', async () => (await running()) >= 4, 60_000)
        const waiting = server.ask('POST', '/fn/slow', { json: { n: 9, ms: 60_000 } })
        const join = await swarm.cut()
        const over = async () => (await Promise.all(ids.map(show))).every(({ status }) => status !== 'running')
        await waitUntil('all are over', over, 120_000)
        const rows = await Promise.all(ids.map(show))
        expect(rows.map(({ status, output }) => [status, output])).toEqual(ids.map((_id, n) => ['success', n]))
        expect(rows.some(({ attempt }) => attempt === 2)).toBe(true)
        await join()
        await server.ask('DELETE', '/v1/functions/slow')
        await waiting.catch(() => {})
      })

      test('the manager’s machine starts anew: warm workers elsewhere go on meanwhile, and what was accepted is done', async () => {
        await label(swarm.other, '--label-add', 'at=other')
        const placed = { placement: { at: 'other' }, concurrency: 8, min_workers: 1 }
        await server.deploy('steady', slow, placed)
        const steady = (json: object) => server.ask('POST', '/fn/steady', { json })
        await waitUntil('it is warm', async () => (await steady({ n: 1 })).status === 200, 60_000)
        const ids: string[] = []
        const spread = await server.deploy('spread', slow, { concurrency: 1, max_workers: 4 })
        for (const n of [0, 1, 2, 3]) ids.push(await accepted(spread, n, 8000))
        await running(ids, 4)
        const long = steady({ n: 2, ms: 15_000 })
        await swarm.manager.end()
        expect((await steady({ n: 3 })).json).toBe(3)
        ids.push(await accepted(spread, 4, 0))
        expect((await server.ask('GET', '/healthz')).status).toBe(200)
        await swarm.managerIsBack()
        expect((await long).json).toBe(2)
        await allDone(ids)
        await server.deploy('after', slow)
        expect((await server.must('POST', '/fn/after', { json: { n: 5 } })).json).toBe(5)
        for (const name of ['steady', 'spread', 'after']) await server.ask('DELETE', `/v1/functions/${name}`)
      })

      test('the server starts anew after it was killed: the tasks that it left end, and what was accepted is done', async () => {
        const function_id = await server.deploy('kept', slow, { concurrency: 1, max_workers: 2 })
        const ids: string[] = []
        for (const n of [0, 1, 2]) ids.push(await accepted(function_id, n, 5000))
        await running(ids, 2)
        const instance = `io.taibai.instance=${data.instance}`
        const services = async () => {
          const list = await swarm.manager.docker('service', 'ls', '-q', '--filter', `label=${instance}`)
          return list.split('\n').filter((id) => id !== '')
        }
        const before = new Set(await services())
        expect(before.size).toBeGreaterThan(1)
        await server.kill()
        await start()
        expect((await services()).filter((id) => before.has(id))).toEqual([])
        await allDone(ids)
      })

      test('a copy of both databases makes the server anew elsewhere: functions run, and what the copy had accepted is done', async () => {
        const function_id = await server.deploy('copied', slow, { concurrency: 1, max_workers: 1 })
        const ids = [await accepted(function_id, 0, 0), await accepted(function_id, 1, 8000)]
        await running(ids, 2)
        const { json } = await server.must('POST', '/v1/backups')
        const copy = join(data.path, 'backups', String(json.name))
        await server.kill()
        await using elsewhere = new DataFolder()
        rmSync(elsewhere.path, { recursive: true })
        await promisify(execFile)(process.execPath, [serverProgram, 'restore', copy, '--data-dir', elsewhere.path])
        await start(elsewhere)
        await allDone(ids)
        expect((await server.must('POST', '/fn/copied', { json: { n: 7 } })).json).toBe(7)
        await server.stop()
        await start()
      })
    })

    test('belongs to several servers that leave each other’s tasks alone, and each finds what it left', async () => {
      const worker = await bound()
      const other = await connect('two')
      expect(await other.removeLeftovers()).toBe(0)
      await other.close()
      expect(await ask(worker, { do: 'echo', value: 1 })).toMatchObject({ kind: 'returned' })
      const again = await connect('one')
      expect(await again.removeLeftovers()).toBe(1)
      await worker.gone
      await again.close()
    })

    test('is left as it was found', async () => {
      await waitUntil(
        'services, networks and secrets are gone',
        async () => !/taibai-test-one-w/.test(await leftovers()),
        60_000,
      )
    })
  })
})
