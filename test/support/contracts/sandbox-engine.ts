import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Sandbox, SandboxEngine } from '../../../src/engine/sandbox/sandbox.ts'
import type { WorkerFolder } from '../../../src/engine/worker/worker-folder.ts'
import { ShimConnection } from '../shim-connection.ts'
import { waitUntil } from '../wait-until.ts'

/** What the contract needs of an engine, put together as the server does it. */
export interface EngineUnderTest {
  readonly engine: SandboxEngine
  /** Image of a runtime that is there. */
  readonly image: string
  /** A sandbox of that image whose shim dials the folder's socket. */
  start(engine?: SandboxEngine): Promise<{ sandbox: Sandbox; folder: WorkerFolder }>
  /** Another engine of the same instance, as after a crash. */
  again(): Promise<SandboxEngine>
  /** Names of the sandboxes of which anything runs, or is left. */
  running(): Promise<string[]>
}

const limits = { memoryBytes: 256 * 1024 * 1024, cpuMillicpu: 100, cpuMaxMillicpu: null }

/** What holds for every engine. */
export function sandboxEngineContract(its: () => EngineUnderTest): void {
  const stopped = (name: string) =>
    waitUntil(`nothing of ${name} runs`, async () => !(await its().running()).includes(name))

  const greeted = async (engine?: SandboxEngine) => {
    const { sandbox, folder } = await its().start(engine)
    const connection = new ShimConnection(await folder.connection())
    await connection.hello
    const end = async () => {
      await sandbox.kill()
      await connection.closed
      await folder.remove()
    }
    return { sandbox, connection, [Symbol.asyncDispose]: end }
  }

  /** A worker to whose shim nothing has been sent. */
  const silent = async () => {
    const { sandbox, folder } = await its().start()
    const end = async () => {
      await sandbox.kill()
      await folder.remove()
    }
    return { sandbox, [Symbol.asyncDispose]: end }
  }

  describe('what it refuses', () => {
    const foreign = { name: 'foreign', image: 'taibai-test/not-there', command: null, env: {}, trusted: true }

    test('a sandbox of an image that is not there', async () => {
      const spec = { ...foreign, network: 'none' as const, folder: null, ...limits }
      await expect(its().engine.start(spec)).rejects.toMatchObject({
        code: expect.stringMatching(/^(engine_failed|not_supported)$/),
      })
      expect(await its().running()).toEqual([])
    })

    test('to run an image that is not there', async () => {
      const spec = { ...foreign, network: 'none' as const, folder: null, ...limits, args: [], timeoutMs: 1000 }
      await expect(its().engine.runToEnd(spec, () => {})).rejects.toMatchObject({
        code: expect.stringMatching(/^(engine_failed|not_supported)$/),
      })
    })

    test('nothing of an image that is there', async () => {
      await its().engine.prepareImage(its().image)
    })
  })

  describe('a sandbox', () => {
    test('runs until it is killed, and then nothing of it is left', async () => {
      await using it = await greeted()
      expect(await its().running()).toEqual([it.sandbox.name])
      await it.sandbox.kill()
      expect(await its().running()).toEqual([])
      expect(await it.sandbox.exited).toMatchObject({ memoryExceeded: false })
    })

    test('can be killed before its shim has come up', async () => {
      await using it = await silent()
      await it.sandbox.kill()
      expect(await its().running()).toEqual([])
    })

    test('can be killed by several at once, and again', async () => {
      await using it = await greeted()
      await Promise.all([it.sandbox.kill(), it.sandbox.kill(), it.sandbox.kill()])
      await it.sandbox.kill()
    })

    test('ends by itself when its connection closes', async () => {
      await using it = await greeted()
      it.connection.close()
      expect(await it.sandbox.exited).toMatchObject({ memoryExceeded: false })
      await stopped(it.sandbox.name)
    })

    test('tells the code with which its process ended', async () => {
      await using it = await greeted()
      it.connection.sendBytes(Buffer.alloc(64, 0xff))
      const { code, memoryExceeded } = await it.sandbox.exited
      expect(code).toBeGreaterThan(0)
      expect(memoryExceeded).toBe(false)
    })

    test('that has ended takes every order, and does nothing', async () => {
      await using it = await greeted()
      await it.sandbox.kill()
      await it.sandbox.pause()
      await it.sandbox.resume()
      await it.sandbox.limit(limits)
      await it.sandbox.kill()
    })

    test('takes new limits', async () => {
      await using it = await greeted()
      await it.sandbox.limit({ memoryBytes: 512 * 1024 * 1024, cpuMillicpu: 500, cpuMaxMillicpu: 900 })
    })

    test('does nothing while it is paused, and goes on when it is resumed', async () => {
      await using it = await greeted()
      await it.sandbox.pause()
      const call = it.connection.call({ do: 'echo' })
      expect(await Promise.race([call.outcome, sleep(300, 'nothing')])).toBe('nothing')
      await it.sandbox.resume()
      expect(await call.outcome).toMatchObject({ state: 'failed', type: 'NotBound' })
    })

    test('can be paused and resumed twice', async () => {
      await using it = await greeted()
      await it.sandbox.pause()
      await it.sandbox.pause()
      await it.sandbox.resume()
      await it.sandbox.resume()
      expect(await it.connection.call({ do: 'echo' }).outcome).toMatchObject({ type: 'NotBound' })
    })

    test('can be killed while it is paused', async () => {
      await using it = await greeted()
      await it.sandbox.pause()
      await it.sandbox.kill()
      expect(await its().running()).toEqual([])
    })
  })

  describe('an engine', () => {
    test('removes what an earlier one left behind, and says how many', async () => {
      await using first = await silent()
      await using second = await silent()
      await second.sandbox.pause()
      const next = await its().again()
      expect(await next.removeLeftovers()).toBe(2)
      for (const { sandbox } of [first, second]) {
        await stopped(sandbox.name)
        await sandbox.exited
      }
      expect(await next.removeLeftovers()).toBe(0)
      await next.close()
    })

    test('ends all that runs when it closes, paused or not', async () => {
      const engine = await its().again()
      await using first = await greeted(engine)
      await using second = await greeted(engine)
      await second.sandbox.pause()
      await engine.close()
      for (const { sandbox } of [first, second]) await stopped(sandbox.name)
    })
  })
}
