/** Every runtime passes the conformance list inside its container. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { completeRuntimeOf } from '../support/complete-runtimes.ts'
import { conformanceList } from '../support/conformance-list.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { ContainerHarness } from '../support/docker-harness.ts'
import { DockerWorkers, dockerWorkers, runtimeFolders } from '../support/docker-workers.ts'
import { aRevision, mib } from '../support/fake-workers-pool.ts'

describe.each(runtimeFolders())('The runtime %s', (runtime) => {
  describeWithDocker('in containers', () => {
    const harness = new ContainerHarness(runtime, () => workers)
    let workers: DockerWorkers
    beforeAll(async () => {
      // Calls at the same time are threads in Python, and the list asks for a thousand.
      workers = await DockerWorkers.connect({ pidsLimit: 1100 })
    })
    afterAll(async () => {
      await harness.close()
      await workers.close()
    })
    conformanceList(harness, completeRuntimeOf(runtime))
  })

  describeWithDocker('in workers', () => {
    const workers = dockerWorkers()

    test('takes an endless loop to the deadline, and the worker with it', async () => {
      await using it = await workers().bound(runtime)
      expect(await it.call({ do: 'loop' }, 700)).toMatchObject({ kind: 'timeout', error: { type: 'Timeout' } })
      await it.worker.gone
      expect(it.worker.isEnding).toBe(true)
    })

    test('says of memory beyond the limit that it was too much', async () => {
      await using it = await workers().bound(runtime, { memoryBytes: 160 * mib })
      expect(await it.call({ do: 'memory', mb: 300 })).toMatchObject({
        kind: 'killed',
        error: { type: 'MemoryExceeded', message: expect.stringContaining('160 MiB') },
      })
    })

    test('gives a function all of its memory for its objects, though the worker did not know it when it started', async () => {
      const revision = aRevision({
        image: workers().manifest(runtime).image,
        packageHash: runtime,
        memoryBytes: 1024 * mib,
      })
      const worker = await workers().generic(runtime)
      await using it = await workers().bind(worker, revision)
      expect(await it.ask({ do: 'objects', mb: 800 })).toBe(800)
      expect(await it.call({ do: 'objects', mb: 2000 })).toMatchObject({
        kind: 'killed',
        error: { type: 'MemoryExceeded', message: expect.stringContaining('1024 MiB') },
      })
    })

    test('says of a function that exits how it ended', async () => {
      await using it = await workers().bound(runtime)
      expect(await it.call({ do: 'exit', code: 3 })).toMatchObject({
        kind: 'killed',
        error: { type: 'FunctionExit', message: expect.stringContaining('3') },
      })
    })
  })
})
