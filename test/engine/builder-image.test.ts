import { expect, test } from 'vitest'
import { projectFolder } from '../../src/assets.ts'
import type { BuilderFacts } from '../../src/domain/functions/build.ts'
import { BuilderImages } from '../../src/engine/sandbox/docker/builder-image.ts'
import { buildEndText } from '../../src/engine/sandbox/docker/docker-builder.ts'
import type { ImageClient } from '../../src/engine/sandbox/docker/image-client.ts'
import { readRuntimes } from '../../src/engine/worker/runtime-catalog.ts'

/** The builder image is built once for all builds; this engine builds it when the test says so. */

const facts = readRuntimes(`${projectFolder}/runtimes`).find(({ name }) => name === 'nodejs')?.builder as BuilderFacts
const options = { network: 'egress', buildEnv: {}, buildTimeoutSeconds: 60, buildPackages: [], searchPath: [] }

function engine() {
  const made = Promise.withResolvers<void>()
  const asked: AbortSignal[] = []
  const images = {
    labelsOf: async () => null,
    build: async (_image: unknown, _context: unknown, _onOutput: unknown, signal: AbortSignal) => {
      asked.push(signal)
      const stopped = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      await Promise.race([made.promise, stopped])
    },
  }
  return { images: new BuilderImages(images as unknown as ImageClient, options), asked, done: made.resolve }
}

function asker() {
  const [stop, output] = [new AbortController(), [] as string[]]
  const run = {
    runtimeImage: 'taibai/nodejs',
    facts,
    signal: stop.signal,
    onOutput: (text: string) => void output.push(text),
  }
  return { run, output, leave: () => stop.abort(new Error('I leave')) }
}

test('Who leaves ends it for nobody else, and all who wait hear of it', async () => {
  const { images, asked, done } = engine()
  const [first, second] = [asker(), asker()]
  const [one, two] = [images.ensure(first.run), images.ensure(second.run)]
  await expect.poll(() => asked.length).toBe(1)
  first.leave()
  await expect(one).rejects.toThrow('I leave')
  expect(asked[0]?.aborted).toBe(false)
  done()
  expect(await two).toBe(facts.image)
  expect([first.output, second.output]).toEqual([first.output, first.output])
  expect(first.output[0]).toContain('Making the builder')
})

test('It is aborted when all callers have left, and a later caller starts a new build', async () => {
  const { images, asked, done } = engine()
  const [first, second] = [asker(), asker()]
  const one = images.ensure(first.run)
  await expect.poll(() => asked.length).toBe(1)
  first.leave()
  await expect(one).rejects.toThrow('I leave')
  expect(asked[0]?.aborted).toBe(true)
  const two = images.ensure(second.run)
  await expect.poll(() => asked.length).toBe(2)
  done()
  expect(await two).toBe(facts.image)
  await expect(images.ensure(first.run)).rejects.toThrow('I leave')
})

test.each([
  [1, false, 'it ended with code 1.'],
  [137, true, 'it needed more memory than 64 MiB (TAIBAI_BUILD_MEMORY_MB).'],
  [1, true, 'it needed more memory than 64 MiB (TAIBAI_BUILD_MEMORY_MB).'],
  [
    137,
    false,
    'it was killed (code 137), and the engine does not name its memory as the reason: this machine may be short of memory.',
  ],
])('Code %i, out of memory as the engine knows it: %s', (code, ranOut, text) => {
  expect(buildEndText(code, ranOut, 64)).toBe(text)
})
