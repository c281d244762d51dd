import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { engineWorkersContract } from '../support/contracts/engine-workers.ts'
import { sandboxEngineContract } from '../support/contracts/sandbox-engine.ts'
import { processWorkers } from '../support/engine-parts-process.ts'
import { aCall, aRevision, mib } from '../support/fake-workers-pool.ts'
import { projectFolder } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

describe('the engine that runs plain processes keeps the contract', () => {
  const workers = processWorkers()
  describe('of engines', () => sandboxEngineContract(workers))
  describe('of workers', () => engineWorkersContract(workers))
})

describe('the engine that runs plain processes', () => {
  const workers = processWorkers()
  const image = { kind: 'http' as const, runtimeId: null, packageHash: null }

  test('runs no images, also not that of a runtime', async () => {
    const { factory } = workers()
    for (const name of ['nginx', workers().image]) {
      await expect(factory.startImage(aRevision({ ...image, image: name }))).rejects.toMatchObject({
        code: 'not_supported',
      })
      await expect(factory.startImage(aRevision({ ...image, image: name, kind: 'lambda' }))).rejects.toMatchObject({
        code: 'not_supported',
        message: expect.stringMatching(/^Images of mode "lambda" need the docker engine, .*let the image serve HTTP/),
      })
      const never = new AbortController().signal
      const command = aRevision({ ...image, image: name, kind: 'command' })
      expect(await factory.runCommand(command, aCall(), never)).toMatchObject({
        kind: 'platform',
        error: { message: expect.stringContaining('docker engine') },
      })
    }
  })

  test('refuses a runtime whose program is not installed', async () => {
    const { manifests, factory } = workers()
    manifests.push({ ...workers().manifest, name: 'none', image: 'none', command: ['/no/such/program', 'x'] })
    const shape = { image: 'none', network: 'none' as const, api: false, trusted: true, memoryBytes: 64 * mib }
    await expect(factory.startGeneric(shape)).rejects.toMatchObject({ code: 'engine_failed' })
    manifests.pop()
  })

  test('tells the processor time of its processes, also of those that a call left behind', async () => {
    const { factory, packageHash, image } = workers()
    const shape = { image, network: 'none' as const, api: false, trusted: true, memoryBytes: 256 * mib }
    const worker = await factory.startGeneric(shape)
    await worker.bind(aRevision({ packageHash, memoryBytes: 256 * mib }))
    const argv = ['sh', '-c', '(while :; do :; done) </dev/null >/dev/null 2>&1 &']
    const input = { kind: 'json' as const, body: Buffer.from(JSON.stringify({ do: 'run', argv })) }
    expect(await worker.call(aCall({ input }), 10_000)).toMatchObject({ kind: 'returned' })
    const before = (await worker.cpuMs?.()) ?? 0
    await waitUntil('it has gone on', async () => ((await worker.cpuMs?.()) ?? 0) > before + 200)
    await worker.pause()
    expect(await worker.memoryUsedBytes?.()).toBeGreaterThan(1024 ** 2)
    const paused = await worker.cpuMs?.()
    await worker.kill()
    expect(await worker.cpuMs?.()).toBeGreaterThanOrEqual(paused ?? 0)
  })

  test('ends what a function started together with its worker', async () => {
    const { factory, packageHash } = workers()
    const worker = await factory.startGeneric({
      image: workers().image,
      network: 'none',
      api: false,
      trusted: true,
      memoryBytes: 256 * mib,
    })
    await worker.bind(aRevision({ packageHash, memoryBytes: 256 * mib }))
    const input = { kind: 'json' as const, body: Buffer.from(JSON.stringify({ do: 'spawn', count: 3 })) }
    expect(await worker.call(aCall({ input }), 10_000)).toMatchObject({ kind: 'returned' })
    await worker.kill()
    await waitUntil('its processes have ended', async () => (await workers().running()).length === 0)
  })

  test('limits the open files of a worker', async () => {
    const { factory, packageHash } = workers()
    const shape = {
      image: workers().image,
      network: 'none' as const,
      api: false,
      trusted: true,
      memoryBytes: 256 * mib,
    }
    const worker = await factory.startGeneric(shape)
    await worker.bind(aRevision({ packageHash, memoryBytes: 256 * mib }))
    const input = { kind: 'json' as const, body: Buffer.from('{"do":"read","path":"/proc/self/limits"}') }
    const outcome = await worker.call(aCall({ input }), 10_000)
    expect(String((outcome as { value: { body: Buffer } }).value.body)).toMatch(/Max open files +256 +256/)
    await worker.kill()
  })

  test('removes a process that was started in the moment before its server was killed', async () => {
    const { manifests, workersDir } = workers()
    const folder = join(workersDir, 'orphan')
    mkdirSync(folder)
    const shimPath = join(folder, 'shim.mjs')
    writeFileSync(shimPath, 'setInterval(() => {}, 1000)')
    const image = 'orphan'
    const itsManifests = [{ ...workers().manifest, name: image, image, shimPath, command: ['node', 'shim.mjs'] }]
    manifests.push(...itsManifests)
    const program = `
      const { ProcessEngine } = await import(${JSON.stringify(join(projectFolder, 'src/engine/sandbox/process/process-engine.ts'))})
      const [options, spec] = ${JSON.stringify([
        { manifests: itsManifests, workersDir, openFilesLimit: 256, nodeCommand: [process.execPath] },
        { image, folder, env: { FOLDER: folder } },
      ])}
      void new ProcessEngine(options).start(spec)
      process.kill(process.pid, 'SIGKILL')`
    expect(spawnSync(process.execPath, ['--input-type=module', '-e', program]).signal).toBe('SIGKILL')
    const isRunning = () => existsSync(join(folder, 'pid')) && readFileSync(join(folder, 'pid'), 'utf8') !== ''
    await waitUntil('the process is there', isRunning)
    expect(await (await workers().again()).removeLeftovers()).toBe(1)
    manifests.pop()
    rmSync(folder, { recursive: true })
  })

  test('removes no process whose number was given to another since', async () => {
    const { sandbox, folder } = await workers().start()
    const other = join(workers().workersDir, 'stranger')
    mkdirSync(other)
    writeFileSync(join(other, 'pid'), String(process.pid))
    writeFileSync(join(folder.path, 'pid'), '1')
    expect(await (await workers().again()).removeLeftovers()).toBe(0)
    rmSync(other, { recursive: true })
    await sandbox.kill()
    await folder.remove()
  })
})
