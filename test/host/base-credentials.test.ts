import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeEngineClient } from '../../src/host/engine-client.ts'
import { registryLogins, storedCredentials } from '../../src/registry-credentials.ts'
import { ensureSecretKey } from '../../src/services/platform/secret-key.ts'

/** What images of runtimes are made on is fetched before there is a server, as the one whom the server knows. */

let dataDir: string
let engine: Server
/** The image and the user of each pull request. */
let asked: [image: string | null, who: string][]

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'taibai-credentials-'))
  asked = []
  engine = createServer((request, response) => {
    const header = String(request.headers['x-registry-auth'] ?? '')
    asked.push([
      new URL(request.url ?? '', 'http://engine').searchParams.get('fromImage'),
      Buffer.from(header, 'base64url').toString(),
    ])
    response.end('{"status":"done"}\n')
  }).listen(join(dataDir, 'engine.sock'))
  await once(engine, 'listening')
})
afterEach(() => {
  engine.close()
  rmSync(dataDir, { recursive: true })
})

const pull = async (image: string) => {
  const client = makeEngineClient(`unix://${join(dataDir, 'engine.sock')}`, storedCredentials({ dataDir }))
  expect(await client.pull(image)).toBe(true)
  client.close()
}

describe('A base image', () => {
  it('is fetched as nobody where no credentials are kept, and no key is made for that', async () => {
    await pull('node:24-slim')
    expect(asked).toEqual([['node:24-slim', '']])
    expect(readdirSync(dataDir)).toEqual(['engine.sock'])
  })

  it('is fetched with the credentials of its registry, and of no other', async () => {
    const logins = registryLogins(dataDir, ensureSecretKey(join(dataDir, 'secret.key')))
    logins.set({ registry: 'docker.io', username: 'me', createdAt: 1 }, 'hunter2')
    await pull('node:24-slim')
    await pull('ghcr.io/me/node:24')
    const auth = JSON.stringify({
      username: 'me',
      password: 'hunter2',
      serveraddress: 'https://index.docker.io/v1/',
    })
    expect(asked).toEqual([
      ['node:24-slim', auth],
      ['ghcr.io/me/node:24', ''],
    ])
  })

  it('is fetched as nobody when the key that sealed them is not there any more', async () => {
    registryLogins(dataDir, ensureSecretKey(join(dataDir, 'secret.key'))).set(
      { registry: 'docker.io', username: 'me', createdAt: 1 },
      'hunter2',
    )
    rmSync(join(dataDir, 'secret.key'))
    await pull('node:24-slim')
    expect(asked).toEqual([['node:24-slim', '']])
    expect(existsSync(join(dataDir, 'registries.json'))).toBe(true)
  })
})
