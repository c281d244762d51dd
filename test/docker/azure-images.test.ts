/** The app in an image of Azure Functions, taken out by the real engine without running anything of it. */
import type { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appFolder } from '../../src/domain/functions/app-image.ts'
import { makeEngineClient } from '../../src/host/engine-client.ts'
import { zipOfTar } from '../../src/services/functions/zip-of-tar.ts'
import { dockerSocket } from '../support/docker-api.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { docker } from '../support/docker-images.ts'
import { dockerWorkers } from '../support/docker-workers.ts'

const image = `taibai-test/azure-app-${process.pid}:1`
const mib = 1024 * 1024

describeWithDocker('an image of Azure Functions', () => {
  const workers = dockerWorkers()
  const client = makeEngineClient(`unix://${dockerSocket}`)

  beforeAll(async () => {
    const tree = pack()
    tree.entry({ name: 'home/site/wwwroot/host.json' }, '{"version": "2.0"}')
    tree.entry({ name: 'home/site/wwwroot/src/handler.js', mode: 0o755 }, 'x'.repeat(100))
    tree.entry({ name: 'azure-functions-host/host' }, 'of the host')
    tree.finalize()
    const settings = ['ENV FUNCTIONS_WORKER_RUNTIME=node', 'ENV GREETING="a = b"', 'CMD ["/nothing"]']
    await client.importTree(tree as unknown as Readable, image, settings)
  }, 120_000)
  afterAll(async () => {
    await client.remove(image)
    client.close()
  })

  test('has its environment and its app taken out, and no container is left', async () => {
    const { env, tar } = await workers().engine.images.folder(image, appFolder)
    expect(env).toMatchObject({ FUNCTIONS_WORKER_RUNTIME: 'node', GREETING: 'a = b' })
    const zip = (await zipOfTar(tar, mib)).toString('latin1')
    expect(zip).toContain('wwwroot/host.json')
    expect(zip).toContain('wwwroot/src/handler.js')
    expect(zip).not.toContain('azure-functions-host')
    await expect.poll(() => docker('ps', '-aq', '--filter', `ancestor=${image}`)).toBe('')
  })

  test('without the folder is refused', async () => {
    await expect(workers().engine.images.folder(image, '/home/none')).rejects.toThrow(/has no folder \/home\/none/)
    await expect.poll(() => docker('ps', '-aq', '--filter', `ancestor=${image}`)).toBe('')
  })
})
