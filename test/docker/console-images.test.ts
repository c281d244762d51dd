import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { chromium } from 'playwright-core'
import { pack } from 'tar-stream'
import { expect, test } from 'vitest'
import { buildConsole, consoleIsOld } from '../../scripts/build-console.ts'
import { fullName } from '../../src/domain/functions/image-use.ts'
import { makeEngineClient } from '../../src/host/engine-client.ts'
import { PulledImageNotes } from '../../src/store/pulled-images.ts'
import { DataFolder } from '../support/data-folder.ts'
import { dockerSocket } from '../support/docker-api.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { ServerProcess } from '../support/server-process.ts'

const executablePath = '/usr/bin/chromium'
const image = `taibai-test/console-${process.pid}:old`

describeWithDocker("The console's images", () => {
  test.skipIf(!existsSync(executablePath))('are those of the real engine, and what it cannot do is said', async () => {
    if (consoleIsOld()) await buildConsole()
    const engine = makeEngineClient(`unix://${dockerSocket}`)
    const data = new DataFolder()
    new PulledImageNotes(join(data.path, 'pulled-images.json')).note(fullName(image))
    const tree = pack()
    tree.entry({ name: 'hello' }, `of ${process.pid}`)
    tree.finalize()
    await engine.importTree(tree as unknown as Readable, image, ['CMD ["/hello"]'])
    const server = await ServerProcess.start({ data, engine: 'docker' })
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
    try {
      const page = await browser.newPage()
      page.setDefaultTimeout(90_000)
      await page.addInitScript((token) => sessionStorage.setItem('taibai-token', token), data.adminToken)
      await page.goto(`${server.url}/console/images`)
      await page.getByRole('row', { name: /taibai\/nodejs:\S+ .* used .*\bnodejs\b/ }).waitFor()
      await page.getByRole('row', { name: new RegExp(`^${image} .* unused –$`) }).waitFor()

      await page.getByLabel('Image', { exact: true }).fill('127.0.0.1:9/nothing:1')
      await page.getByRole('button', { name: 'Pull' }).click()
      await page.getByText('The image 127.0.0.1:9/nothing:1 is not here and could not be pulled.').waitFor()

      // Others' images are not removed here: what would go is only shown.
      const asked = page.waitForEvent('dialog')
      const pressed = page.getByRole('button', { name: 'Remove unused images' }).click()
      const dialog = await asked
      expect(dialog.message()).toMatch(/^Remove these and free \d+ MiB\?/)
      expect(dialog.message()).toContain(image)
      await dialog.dismiss()
      await pressed
      expect(await engine.inspect(image)).toBeDefined()
    } finally {
      await browser.close()
      await server[Symbol.asyncDispose]()
      await data[Symbol.asyncDispose]()
      await engine.remove(image)
      engine.close()
    }
  })
})
