import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { expect, test } from 'vitest'
import { makeEngineClient } from '../../src/host/engine-client.ts'
import { cliOf } from '../support/cli-run.ts'
import { describeWithDocker } from '../support/docker-gate.ts'

/** Images as an archive, for a machine without a registry: a tiny one of the test's own, on the real engine. */
describeWithDocker('taibai images save and load', () => {
  test('carry an image in a file, whole or not at all', async () => {
    const engine = makeEngineClient(process.env.DOCKER_HOST)
    const folder = mkdtempSync(join(tmpdir(), 'taibai-archive-'))
    const image = `taibai-test/archive:${process.pid}`
    const file = join(folder, 'images.tar')
    const run = cliOf({})
    try {
      const missing = await run(['images', 'save', file, image])
      expect(missing).toMatchObject({
        code: 5,
        stderr: expect.stringContaining(`The engine has no image ${image}: "taibai images pull`),
      })
      const tree = pack()
      tree.entry({ name: 'hello' }, 'hello')
      tree.finalize()
      await engine.importTree(tree as unknown as Readable, image, ['LABEL of=test'])
      const saved = await run(['images', 'save', file, image, '--json'])
      expect(saved.json, saved.stderr).toMatchObject({ images: [image], size_bytes: expect.any(Number) })
      await engine.remove(image)
      expect(await engine.inspect(image)).toBeUndefined()
      expect(await run(['images', 'load', file])).toMatchObject({ code: 0 })
      expect((await engine.inspect(image))?.labels).toEqual({ of: 'test' })
      expect(await run(['images', 'load', join(folder, 'none.tar')])).toMatchObject({ code: 2 })
      const push = ['images', 'push', '--images', image]
      const nowhere = await run([...push, `unix://${join(folder, 'no.sock')}`])
      expect(nowhere.stderr).toMatch(/No engine answers at unix:/)
      const pushed = await run([...push, engine.address, '--json'])
      expect(pushed.json).toEqual({ pushed: [{ engine: engine.address, images: [] }] })
    } finally {
      await engine.remove(image)
      engine.close()
      rmSync(folder, { recursive: true })
    }
  })
})
