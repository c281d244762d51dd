/** An engine that shares neither disk nor network with the server: as on another machine. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SecondEngine } from '../../scripts/bench/second-engine.ts'
import { FaasError } from '../../src/domain/errors.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { DockerWorkers, runtimeFolders } from '../support/docker-workers.ts'

describe.runIf(process.env.TAIBAI_TEST_ENGINES === '1')('with engines of our own', () => {
  describeWithDocker('an engine of another machine', () => {
    let engine: SecondEngine
    let workers: DockerWorkers
    beforeAll(async () => {
      engine = await SecondEngine.start()
      workers = await connect({ host: engine.tcp })
      const images = workers.manifests.map(({ image }) => image)
      await engine.bring(...new Set(images))
    })
    afterAll(async () => {
      await workers?.close()
      await engine?.[Symbol.asyncDispose]()
    })
    const connect = (options: object) => DockerWorkers.connect({ codeSizeMb: 64, findsPlace: true, ...options })

    test('whose containers are not known to reach the server is refused with what to set', async () => {
      await expect(connect({ host: `unix://${engine.socket}` })).rejects.toThrow(/TAIBAI_LINK_ADDRESS/)
    })

    test('has its workers call, which is found out', () => {
      expect(workers.engine.callers?.listenOn).toEqual([{ host: engine.ourAddress, port: 0 }])
    })

    test.each(runtimeFolders())('runs functions of %s, whose code came by the connection', async (runtime) => {
      await using it = await workers.bound(runtime)
      expect(await it.ask({ do: 'echo', value: 'grüß' })).toBe('grüß')
      expect((await it.run('cat', '/proc/1/comm')).code).toBe(0)
    })

    test('says of a function without a network that it cannot have one', async () => {
      const starting = workers.bound('nodejs', { network: 'none' })
      await expect(starting).rejects.toMatchObject({ code: 'not_supported', message: /"network": "none"/ })
      await expect(starting).rejects.toBeInstanceOf(FaasError)
    })

    test('is left as it was found', async () => {
      await expect.poll(() => engine.docker('ps', '-aq'), { timeout: 20_000 }).toBe('')
      expect(await engine.docker('volume', 'ls', '-q')).toBe('')
    })

    test('has its workers call where the operator says', async () => {
      const others = await connect({ host: `unix://${engine.socket}`, linkAddress: engine.ourAddress })
      const it = await others.bound('python3')
      expect(await it.ask({ do: 'echo', value: 1 })).toBe(1)
      await it.worker.kill()
      await others.close()
    })
  })
})
