import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, makeClient } from '../../src/client/client.ts'
import { dockerSocket } from '../support/docker-api.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { builtImages, docker } from '../support/docker-images.ts'
import { projectFolder } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

const name = `taibai-test-server-${process.pid}`
const port = String(20_000 + Math.floor(Math.random() * 12_000))
const url = `http://127.0.0.1:${port}`

/** `docker run` of the image is the whole installation. */
describeWithDocker('the image of the server', () => {
  let client: Client
  const images = builtImages('http')

  beforeAll(() => {
    const how = { cwd: projectFolder, encoding: 'utf8' } as const
    const { status, stderr, stdout } = spawnSync(process.execPath, ['scripts/build-image.ts', '--if-old'], how)
    expect(status, stdout + stderr).toBe(0)
  }, 400_000)
  afterAll(async () => {
    client?.close()
    // Its workers and its network go with it only when it may stop.
    await docker('stop', '-t', '45', name).catch(() => {})
    await docker('rm', '--force', '--volumes', name)
    await docker('volume', 'rm', '--force', name)
  })
  const start = async (...more: string[]): Promise<void> => {
    const mounts = ['-v', `${dockerSocket}:/var/run/docker.sock`, ...more]
    const few = ['-e', 'TAIBAI_GENERIC_WORKERS=1']
    await docker('run', '-d', '--name', name, ...mounts, ...few, '-p', `127.0.0.1:${port}:7070`, 'taibai/server')
  }
  const ready = (): Promise<unknown> =>
    waitUntil('the server is ready', async () => (await client.isReady()) || undefined, 60_000)

  test.each([
    // Programs may be there: of a folder where they may not it says that first.
    ['in memory', ['--tmpfs', '/data:exec']],
    ['in the container only', ['-e', 'TAIBAI_DATA_DIR=/srv/data']],
  ])('with a place for its data that is %s says so, and is no server', async (_where, how) => {
    await start(...how)
    const state = () => docker('inspect', '-f', '{{.State.Running}} {{.State.ExitCode}}', name)
    await waitUntil('it ends', async () => (await state()) === 'false 1' || undefined, 60_000)
    const { stderr } = spawnSync('docker', ['-H', `unix://${dockerSocket}`, 'logs', name], { encoding: 'utf8' })
    await docker('rm', '--volumes', name)
    expect(stderr).toContain('mount a volume or a folder there, such as -v taibai:/data')
  })

  test('runs functions in containers beside it, as a user who is not root', async () => {
    await start('-v', `${name}:/data`)
    client = makeClient({ url, token: null })
    await ready()
    const token = await docker('exec', name, 'cat', '/data/admin.token')
    client = makeClient({ url, token })
    const code = { source: 'inline', filename: 'main.mjs', content: 'export const main = (event) => event' }
    await client.functions.create({ name: 'echo', runtime: 'nodejs', code })
    expect((await client.invoke('echo', { json: { a: 1 } })).json).toEqual({ a: 1 })
    expect(await docker('top', name)).toMatch(/\n7070 .*taibai serve/)
    const logs = await docker('logs', name)
    expect(logs).not.toContain(token)
    expect(logs).toContain('"adminTokenFile":"/data/admin.token"')
    expect(await docker('exec', name, 'taibai', 'list')).toContain('echo')
  })

  test('reaches an image of a function, though containers do not reach each other', async () => {
    const code = { source: 'image', image: images('http'), mode: 'http', port: 8080 }
    await client.functions.create({ name: 'web', code, timeout: 60 })
    const answer = await client.invoke('web', { json: { a: 1 } })
    expect(answer.json).toMatchObject({ body: '{"a":1}' })
    // Functions have their own network beside the one with the server.
    const instance = instanceIn(await docker('exec', name, 'cat', '/data/instance.json'))
    // The engine knows the image by its content, which others test beside us: only this server's.
    const ours = ['--filter', `ancestor=${images('http')}`, '--filter', `label=io.taibai.instance=${instance}`]
    const [id = ''] = (await docker('ps', '-q', ...ours)).split('\n')
    const networks = JSON.parse(await docker('inspect', '-f', '{{json .NetworkSettings.Networks}}', id))
    expect(Object.keys(networks).sort()).toEqual([`taibai-${instance}`, `taibai-${instance}-pair-1`])
    const pair = `taibai-${instance}-pair-1`
    const [isInternal, network = ''] = (await docker('network', 'inspect', '-f', '{{.Internal}} {{.Id}}', pair)).split(
      ' ',
    )
    expect(isInternal).toBe('true')
    // The machine's own services are not reached over it.
    const ofMachine = networkInterfaces()[`br-${network.slice(0, 12)}`] ?? []
    expect(ofMachine.filter(({ family }) => family === 'IPv4')).toEqual([])
  })

  test('lets functions call functions, by a name of its own', async () => {
    const content = `export const main = async (event, { api }) => {
      const headers = { 'X-Auth-Token': api.token, 'Content-Type': 'application/json' }
      const answer = await fetch(api.url + '/fn/echo', { method: 'POST', headers, body: JSON.stringify(event) })
      return { by: process.env.TAIBAI_API, answer: await answer.json() }
    }`
    const code = { source: 'inline', filename: 'main.mjs', content }
    await client.functions.create({ name: 'asks', runtime: 'nodejs', code, api: true, timeout: 60 })
    expect((await client.invoke('asks', { json: [1] })).json).toEqual(asked([1]))
  })

  test('leaves the workers of another installation on the engine alone', async () => {
    const other = `${name}-other`
    const workers = async () => {
      const instance = instanceIn(await docker('exec', name, 'cat', '/data/instance.json'))
      return (await docker('ps', '-q', '--filter', `label=io.taibai.instance=${instance}`)).split('\n').sort()
    }
    const before = await workers()
    const mounts = ['-v', `${dockerSocket}:/var/run/docker.sock`, '-v', `${other}:/data`]
    await docker('run', '-d', '--name', other, ...mounts, '-e', 'TAIBAI_GENERIC_WORKERS=0', 'taibai/server')
    const isReady = async () => (await docker('logs', other)).includes('taibai is ready') || undefined
    await waitUntil('the other is ready', isReady, 60_000)
    await docker('stop', '-t', '45', other)
    await docker('rm', '-v', other)
    await docker('volume', 'rm', other)
    expect(await workers()).toEqual(expect.arrayContaining(before))
  })

  test('stops within its time, leaves no worker, and goes on with its data', async () => {
    const instance = await docker('exec', name, 'cat', '/data/instance.json')
    await docker('stop', '-t', '45', name)
    expect(await docker('inspect', '-f', '{{.State.ExitCode}}', name)).toBe('0')
    const label = `io.taibai.instance=${instanceIn(instance)}`
    expect(await docker('ps', '-aq', '--filter', `label=${label}`)).toBe('')
    expect(await docker('network', 'ls', '-q', '--filter', `name=taibai-${instanceIn(instance)}`)).toBe('')
    await docker('rm', '--volumes', name)
    // This time its workers have to call it.
    await start('-v', `${name}:/data`, '-e', 'TAIBAI_LINK=tcp')
    await ready()
    expect(await docker('logs', name)).toContain('"link":"pair"')
    expect((await client.invoke('echo', { json: { b: 2 } })).json).toEqual({ b: 2 })
    expect((await client.invoke('asks', { json: [2] })).json).toEqual(asked([2]))
  })

  test('takes over the data of a release before, when its container replaces that', async () => {
    await docker('stop', '-t', '45', name)
    await docker('rm', '-v', name)
    await docker('volume', 'rm', name)
    const folder = mkdtempSync(join(tmpdir(), 'taibai-fixture-'))
    execFileSync('tar', ['-xzf', join(projectFolder, 'test/fixtures/data-2026-11.tgz'), '-C', folder])
    const [from = ''] = globSync(join(folder, '**/stopped'))
    // As its container had it.
    execFileSync('chown', ['-R', '7070:7070', from])
    await docker('create', '--name', name, '-v', `${name}:/data`, 'taibai/server')
    await docker('cp', '-a', `${from}/.`, `${name}:/data`)
    await docker('rm', '--volumes', name)
    rmSync(folder, { recursive: true })
    await start('-v', `${name}:/data`)
    const token = () => docker('exec', name, 'cat', '/data/admin.token')
    await ready()
    client.close()
    client = makeClient({ url, token: await token() })
    expect((await client.invoke('greet', {})).json).toEqual({ version: 0, hello: 'you' })
  })
})

const asked = (answer: unknown) => ({ by: 'http://host.docker.internal:7070', answer })

const instanceIn = (file: string): string => String(Object.values(JSON.parse(file))[0])
