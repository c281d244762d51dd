import type { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Fn } from '../../src/domain/functions/function.ts'
import type { EngineImages } from '../../src/domain/functions/image-use.ts'
import { openPrincipal as admin } from '../../src/domain/platform/principal.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import { makeEngineClient } from '../../src/host/engine-client.ts'
import { Images } from '../../src/services/platform/images.ts'
import { dockerSocket } from '../support/docker-api.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { docker } from '../support/docker-images.ts'
import { dockerWorkers } from '../support/docker-workers.ts'

const name = (what: string): string => `taibai-test/unused-${process.pid}:${what}`
const bytesEach = 200_000

/** Tiny images of the test's own on the real engine; of what else is there, nothing is touched. */
describeWithDocker('images that this installation fetched', () => {
  const workers = dockerWorkers()
  const client = makeEngineClient(`unix://${dockerSocket}`)
  let container: string

  /** Among those of the test alone. */
  function ours(): EngineImages {
    const { images } = workers().engine
    const list = async () => (await images.list()).filter(({ names }) => names.some((one) => one.startsWith(name(''))))
    return { list, pull: (image) => images.pull(image), remove: (image) => images.remove(image) }
  }
  function imagesOf(pulled: string[], highWaterBytes: number): Images {
    const notes = new Set(pulled)
    const fn = { name: 'shop', id: 'f-1', code: { source: 'image', image: name('used') } } as Fn
    return new Images({
      engine: ours(),
      pulled: { names: () => [...notes], note: (one) => notes.add(one), forget: (one) => notes.delete(one) },
      functions: { list: () => [fn] },
      runtimes: { list: () => [] },
      log: silentLog,
      highWaterBytes,
    })
  }
  const here = async () => (await ours().list()).flatMap(({ names }) => names).sort()

  beforeAll(async () => {
    for (const what of ['used', 'old', 'new', 'running', 'foreign']) {
      const tree = pack()
      // Not the same bytes: the engine would take one for another.
      tree.entry({ name: 'hello' }, what.repeat(bytesEach / what.length))
      tree.finalize()
      await client.importTree(tree as unknown as Readable, name(what), ['CMD ["/hello"]'])
    }
    container = await docker('create', name('running'))
  }, 120_000)
  afterAll(async () => {
    await docker('rm', '-f', container)
    for (const image of await here()) await client.remove(image)
    client.close()
  })
  const fetched = ['used', 'old', 'new', 'running'].map(name)

  test('stay below the high-water mark; beyond it one that nothing uses goes by itself', async () => {
    const three = ['used', 'old', 'new'].map(name)
    await imagesOf(three, 3.5 * bytesEach).collect()
    expect(await here()).toEqual(['foreign', 'new', 'old', 'running', 'used'].map(name))
    await imagesOf(three, 2.5 * bytesEach).collect()
    const left = await here()
    expect(left).toHaveLength(4)
    expect(left).toEqual(expect.arrayContaining(['used', 'foreign', 'running'].map(name)))
  })

  test('are removed when nothing uses them; what a container has stays, and what somebody else fetched', async () => {
    const images = imagesOf(fetched, 0)
    const dry = await images.prune(admin, { isDry: true, otherReleases: false })
    expect(await here()).toHaveLength(4)
    const { removed, kept } = await images.prune(admin, { isDry: false, otherReleases: false })
    expect([...removed, ...kept].map(({ id }) => id).sort()).toEqual(dry.removed.map(({ id }) => id).sort())
    expect(kept.flatMap(({ names }) => names)).toEqual([name('running')])
    expect(await here()).toEqual(['foreign', 'running', 'used'].map(name))
  })

  test('are missed when somebody removed one that a function has', async () => {
    const images = imagesOf(fetched, 0)
    expect(await images.missing()).toEqual([])
    await docker('rmi', name('used'))
    expect(await images.missing()).toEqual([{ name: name('used'), usedBy: ['function shop'] }])
  })
})
