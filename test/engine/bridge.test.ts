/** The connection from the server to an image on another machine: a real helper forwards to a real HTTP server. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { projectFolder } from '../../src/assets.ts'
import { systemClock } from '../../src/domain/clock.ts'
import type { Bridge } from '../../src/engine/worker/bridge.ts'
import { shimExitCodes } from '../../src/engine/worker/protocol.ts'
import { TcpLinks } from '../../src/engine/worker/tcp-links.ts'
import { waitUntil } from '../support/wait-until.ts'

const shim = join(projectFolder, 'runtimes/nodejs/shim/main.mjs')
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start({ isEncrypted = true, hasImage = true, secret = '' } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-bridge-'))
  closing.push(() => rmSync(folder, { recursive: true }))
  let port = 0
  const callers = {
    ...{ listenOn: [{ host: '127.0.0.1', port: 0 }], staysHere: true, isEncrypted },
    listening: async ([given = 0]: number[]) => {
      port = given
    },
  }
  const links = await TcpLinks.open({ inside: () => folder, secretsFolder: () => folder }, callers, systemClock)
  closing.push(() => links.close())
  const bridge = links.bridge('h1')
  closing.push(() => bridge.close())
  const image = createServer((request, response) => request.pipe(response.setHeader('x-path', request.url ?? '')))
  await once(image.listen(0, '127.0.0.1'), 'listening')
  const imagePort = (image.address() as AddressInfo).port
  closing.push(
    () => image.closeAllConnections(),
    () => image.close(),
  )
  if (!hasImage) image.close()
  const key = join(folder, 'key')
  writeFileSync(key, secret === '' ? bridge.key : bridge.key.replace(/^(\S+) \S+/, `$1 ${secret}`))
  const env = { TAIBAI_SERVER: `127.0.0.1:${port}`, TAIBAI_KEY: key, TAIBAI_BRIDGE: `127.0.0.1:${imagePort}` }
  const helper = spawn(process.execPath, [shim], { env, stdio: 'inherit' })
  closing.push(() => helper.kill('SIGKILL'))
  return { bridge, helper, image, imagePort }
}

const asked = async (bridge: Bridge, path: string, body: string) => {
  const { host, port } = await bridge.address()
  const response = await fetch(`http://${host}:${port}${path}`, { method: 'POST', body })
  return [response.headers.get('x-path'), await response.text()]
}
const codeOf = async (helper: ChildProcess) => (await once(helper, 'exit'))[0]

describe.each([true, false])('a bridge, encrypted: %s,', (isEncrypted) => {
  test('leads many callers at once to the image, with all that they send', async () => {
    const { bridge } = await start({ isEncrypted })
    expect(await bridge.connects()).toBe(true)
    const bodies = Array.from({ length: 12 }, (_, n) => `${n}`.repeat(200_000))
    const answers = await Promise.all(bodies.map((body, n) => asked(bridge, `/${n}`, body)))
    expect(answers.map(([path, text], n) => [path, text === bodies[n]])).toEqual(bodies.map((_, n) => [`/${n}`, true]))
  })

  test('says that an image does not listen, and leads to it once it does', async () => {
    const { bridge, image, imagePort } = await start({ isEncrypted, hasImage: false })
    expect(await bridge.connects()).toBe(false)
    await expect(asked(bridge, '/', '')).rejects.toThrow()
    await once((image as Server).listen(imagePort, '127.0.0.1'), 'listening')
    expect(await bridge.connects()).toBe(true)
    expect(await asked(bridge, '/now', 'here')).toEqual(['/now', 'here'])
  })

  test('that is closed ends its helper with the code of a lost link', async () => {
    const { bridge, helper } = await start({ isEncrypted })
    await waitUntil('it leads there', () => bridge.connects())
    const ended = codeOf(helper)
    bridge.close()
    expect(await ended).toBe(shimExitCodes.linkLost)
  })

  test('takes no helper with another secret', async () => {
    const { helper } = await start({ isEncrypted, secret: 'guessed' })
    expect(await codeOf(helper)).not.toBe(0)
  })
})
