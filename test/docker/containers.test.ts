import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { EngineProxy } from '../../scripts/setup/engine-proxy.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import type { DockerEngineOptions } from '../../src/engine/sandbox/docker/docker-connection.ts'
import { DockerEngine } from '../../src/engine/sandbox/docker/docker-engine.ts'
import { askDocker, dockerSocket } from '../support/docker-api.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { type DockerWorkers, dockerWorkers, engineDefaults, startRaw } from '../support/docker-workers.ts'
import { aRevision, mib } from '../support/fake-workers-pool.ts'
import { waitUntil } from '../support/wait-until.ts'

/** The life of a container under the engine: its limits, pauses, ends, and what an earlier run left. */

describeWithDocker('The engine refuses', () => {
  const workers = dockerWorkers()

  test('a worker of an image that is not there, and says which', async () => {
    const starting = workers().generic('python3', { image: 'taibai-test/not-there' })
    await expect(starting).rejects.toMatchObject({
      code: 'engine_failed',
      message: expect.stringContaining('taibai-test/not-there'),
    })
  })

  test('to prepare an image that is neither here nor where it says to be', async () => {
    const preparing = workers().engine.prepareImage('127.0.0.1:9/not/there')
    await expect(preparing).rejects.toMatchObject({
      code: 'engine_failed',
      message: expect.stringContaining('127.0.0.1:9/not/there'),
    })
    await expect(workers().engine.prepareImage('taibai/python3')).resolves.toBeUndefined()
  })

  test('a worker for which the OCI runtime is not installed', async () => {
    const engine = await engineOf(workers(), { untrustedOciRuntime: 'not-installed' })
    const own = { command: null, env: {}, network: 'none' as const, folder: null, memoryBytes: 64 * mib }
    const spec = { ...own, name: workers().newName(), image: 'taibai/python3', cpuMillicpu: 100, cpuMaxMillicpu: null }
    await expect(engine.start({ ...spec, trusted: false })).rejects.toMatchObject({ code: 'engine_failed' })
    const trusted = await engine.start({ ...spec, trusted: true })
    await trusted.kill()
    await engine.close()
  })

  test('limits that the kernel does not take', async () => {
    await using it = await startRaw(workers(), 'python3', workers().newName())
    const limiting = it.sandbox.limit({ memoryBytes: 1, cpuMillicpu: 100, cpuMaxMillicpu: null })
    await expect(limiting).rejects.toMatchObject({ code: 'engine_failed' })
  })

  test('an address of a sandbox without network', async () => {
    await using it = await startRaw(workers(), 'python3', workers().newName())
    await expect(it.sandbox.address(8080)).rejects.toMatchObject({ code: 'engine_failed' })
  })
})

describeWithDocker('A worker whose shim does not come', () => {
  const workers = dockerWorkers({ startTimeoutMs: 1500 })

  test('is ended when its time is over, and the failure says so', async () => {
    const { factory } = workers()
    const manifest = workers().manifest('python3')
    const { command } = manifest
    manifest.command = ['sleep', '60']
    try {
      const shape = {
        image: manifest.image,
        network: 'none' as const,
        api: false,
        trusted: true,
        memoryBytes: 64 * mib,
      }
      await expect(factory.startGeneric(shape)).rejects.toMatchObject({
        code: 'engine_failed',
        message: expect.stringMatching(/hello within 1\.5 s/),
      })
      manifest.command = ['sh', '-c', 'exit 4']
      await expect(factory.startGeneric(shape)).rejects.toMatchObject({ message: expect.stringContaining('code 4') })
      manifest.command = ['no-such-program']
      await expect(factory.startGeneric(shape)).rejects.toMatchObject({ code: 'engine_failed' })
    } finally {
      manifest.command = command
    }
  })
})

describeWithDocker('The limits of a function', () => {
  const workers = dockerWorkers()

  test('are in force when its worker is bound: more memory, a share of the processor and a cap', async () => {
    const worker = await workers().generic('python3', { memoryBytes: 64 * mib })
    const limits = { memoryBytes: 256 * mib, cpuMillicpu: 500, cpuMaxMillicpu: 250 }
    await using it = await workers().bind(worker, aRevision({ packageHash: 'python3', ...limits }))
    expect((await it.inspect()).HostConfig).toMatchObject({ CpuShares: 512, CpuQuota: 25_000, CpuPeriod: 100_000 })
    expect(await it.memoryLimits()).toEqual({ memory: 256 * mib, withSwap: 256 * mib })
    expect(await it.call({ do: 'memory', mb: 180 })).toMatchObject({ kind: 'returned' })
  })

  test('are in force when they are less than what its worker was started with', async () => {
    const worker = await workers().generic('python3', { memoryBytes: 256 * mib })
    await using it = await workers().bind(worker, aRevision({ packageHash: 'python3', memoryBytes: 64 * mib }))
    expect(await it.memoryLimits()).toEqual({ memory: 64 * mib, withSwap: 64 * mib })
    expect(await it.call({ do: 'memory', mb: 120 })).toMatchObject({
      kind: 'killed',
      error: { type: 'MemoryExceeded', message: expect.stringContaining('64 MiB') },
    })
  })

  test('hold back a function that computes without end', async () => {
    await using it = await workers().bound('python3', { cpuMaxMillicpu: 100 })
    const program = 'import time\nuntil = time.time() + 2\nwhile time.time() < until: pass\nprint(time.process_time())'
    const used = Number((await it.run('python3', '-c', program)).stdout)
    expect(used).toBeGreaterThan(0)
    expect(used).toBeLessThan(0.6)
  })
})

describeWithDocker('A paused worker', () => {
  const workers = dockerWorkers()

  test('does nothing until it is resumed', async () => {
    await using it = await workers().bound('python3')
    await it.worker.pause()
    const answer = it.ask({ do: 'echo', value: 1 })
    expect(await Promise.race([answer, sleep(500, 'nothing')])).toBe('nothing')
    await it.worker.resume()
    expect(await answer).toBe(1)
  })

  test('can be killed', async () => {
    const it = await workers().bound('nodejs')
    await it.worker.pause()
    await it.worker.kill()
    await waitUntil('its container is gone', async () => (await workers().inspect(it.name)) === null)
  })

  test('is killed at the deadline of a call', async () => {
    await using it = await workers().bound('python3')
    await it.worker.pause()
    expect(await it.call({ do: 'echo' }, 300)).toMatchObject({ kind: 'timeout' })
    await it.worker.gone
  })

  test('ends with the engine', async () => {
    const engine = await engineOf(workers())
    await using it = await startRaw(workers(), 'python3', workers().newName(), 64 * mib, engine)
    await it.sandbox.pause()
    await engine.close()
    expect(await it.sandbox.exited).toMatchObject({ memoryExceeded: false })
  })
})

describeWithDocker('A sandbox that has ended', () => {
  const workers = dockerWorkers()

  test('takes every order and does nothing', async () => {
    await using it = await startRaw(workers(), 'python3', workers().newName())
    await Promise.all([it.sandbox.kill(), it.sandbox.kill()])
    await it.sandbox.pause()
    await it.sandbox.resume()
    await it.sandbox.limit({ memoryBytes: 64 * mib, cpuMillicpu: 100, cpuMaxMillicpu: null })
    await it.sandbox.kill()
    await waitUntil('its container is gone', async () => (await workers().inspect(it.sandbox.name)) === null)
    await it.sandbox.pause()
    await it.sandbox.resume()
  })

  test('leaves its name free', async () => {
    const name = workers().newName()
    for (let turn = 0; turn < 3; turn++) {
      await using it = await startRaw(workers(), 'python3', name)
      await it.sandbox.kill()
    }
  })

  test('says with which code, when its process ended by itself', async () => {
    await using it = await startRaw(workers(), 'python3', workers().newName())
    const socket = await it.folder.connection()
    // A frame that is longer than any may be.
    socket.write(Buffer.alloc(4, 0xff))
    const { code, memoryExceeded } = await it.sandbox.exited
    expect(code).toBeGreaterThan(0)
    expect(memoryExceeded).toBe(false)
  })
})

describeWithDocker('An engine that goes away for a while', () => {
  const workers = dockerWorkers()

  test('is waited for: what ended meanwhile is noticed, what runs goes on', async () => {
    await using line = await EngineProxy.open(dockerSocket)
    const engine = await engineOf(workers(), { host: `unix://${line.path}` })
    await using ended = await startRaw(workers(), 'python3', workers().newName(), 64 * mib, engine)
    await using alive = await startRaw(workers(), 'python3', workers().newName(), 64 * mib, engine)
    const socket = await alive.folder.connection()
    line.cut()
    const starting = startRaw(workers(), 'python3', workers().newName(), 64 * mib, engine)
    await expect(starting).rejects.toMatchObject({ code: 'engine_failed' })
    await askDocker('POST', `/containers/${workers().containerName(ended.sandbox.name)}/kill`)
    await waitUntil('it is gone', async () => (await workers().inspect(ended.sandbox.name)) === null)
    const killing = alive.sandbox.kill()
    line.mend()
    expect(await ended.sandbox.exited).toMatchObject({ memoryExceeded: false })
    await killing
    expect(socket.destroyed || socket.readableEnded || (await once(socket.resume(), 'end'))).toBeTruthy()
    await engine.close()
  })
})

describeWithDocker('What an earlier run of an instance left', () => {
  const workers = dockerWorkers()
  const others = dockerWorkers()

  test('is removed, running, paused or by now killed; what others run stays', async () => {
    await using bystander = await others().bound('python3')
    const left = await Promise.all(
      Array.from({ length: 3 }, () => startRaw(workers(), 'python3', workers().newName(), 64 * mib)),
    )
    await left[1]?.sandbox.pause()
    const next = await engineOf(workers())
    expect(await next.removeLeftovers()).toBe(3)
    expect(await next.removeLeftovers()).toBe(0)
    for (const { sandbox, folder } of left) {
      await sandbox.exited
      await folder.remove()
    }
    expect(await bystander.ask({ do: 'echo', value: 1 })).toBe(1)
    await next.close()
  })
})

/** Another engine of the same instance, as after a restart. */
function engineOf(workers: DockerWorkers, options: Partial<DockerEngineOptions> = {}): Promise<DockerEngine> {
  return DockerEngine.connect({ ...engineDefaults, instance: workers.instance, ...options }, silentLog)
}
