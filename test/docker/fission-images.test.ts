/** Environments of Fission as images: a server has one load a package, and then it is the function. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { zipOfFiles } from '../support/built-packages.ts'
import { cliOf } from '../support/cli-run.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { builtImages } from '../support/docker-images.ts'
import { ServerProcess } from '../support/server-process.ts'

describeWithDocker('An environment of Fission', () => {
  const image = builtImages('fission')
  let server: ServerProcess
  beforeAll(async () => {
    server = await ServerProcess.start({ engine: 'docker' })
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  const memory = String(192 * 1024 * 1024)
  function deploy(name: string, files: Record<string, string>, main?: string, env: Record<string, string> = {}) {
    const code = {
      source: 'image',
      image: image('fission'),
      mode: 'fission',
      ...(main !== undefined && { init: { main } }),
    }
    const fields = { name, code: JSON.stringify(code), memory_size: memory, env: JSON.stringify(env) }
    const headers = { 'content-type': 'application/zip' }
    return server.must('POST', `/v1/functions?${new URLSearchParams(fields)}`, { body: zipOfFiles(files), headers })
  }
  const call = async (path: string, body = '') => {
    const { status, text } = await server.ask('POST', `/fission-function/${path}`, { body })
    return [status, text]
  }

  test('that cannot load the function is the failure of its calls, in its own words', async () => {
    await deploy('unfit', { 'hello.mjs': 'export const hello = 1' }, 'nowhere.hello')
    const { json } = await server.must('POST', '/v1/executions', { json: { function_id: 'unfit' } })
    expect(json).toMatchObject({ status: 'failed', error: { type: 'SpecializeError' } })
    expect(json.error.message).toMatch(/answered 500 when it was asked to load the function: .*nowhere\.mjs/)
    const { text } = await server.must('GET', `/v1/executions/${json.id}/log`)
    expect(text).toContain('specialize /v2/specialize')
  })

  test('loads a package by the name of its function, stays warm, and loads the next', async () => {
    const count = (step: number) => ({
      'lib/step.mjs': `export const step = ${step}`,
      'shop.mjs': `import { step } from './lib/step.mjs'
let calls = 0
export const count = ({ request, text }) => ({ status: 201, body: [(calls += step), request.url, text].join(' ') })
export const other = () => ({ body: 'the other' })`,
    })
    await deploy('shop', count(1), 'shop.count')
    expect(await call('shop/items?page=2', 'a')).toEqual([201, '1 /items?page=2 a'])
    expect(await call('shop', 'b')).toEqual([201, '2 / b'])
    const other = JSON.stringify({ filepath: '/userfunc/deployarchive', functionName: 'shop.other' })
    expect((await call('shop/v2/specialize', other))[0], 'a caller has nothing loaded').toBe(404)
    expect((await call('shop/v2/%73pecialize/', other))[0]).toBe(404)
    const headers = { 'content-type': 'application/zip' }
    await server.must('PUT', '/v1/functions/shop', { body: zipOfFiles(count(10)), headers })
    expect(await call('shop', 'c')).toEqual([201, '10 / c'])
    const code = { source: 'image', image: image('fission'), mode: 'fission', init: { main: 'shop.other' } }
    await server.must('PUT', '/v1/functions/shop', { json: { code } })
    expect(await call('shop')).toEqual([200, 'the other'])
    const kept = await server.must('GET', '/v1/functions/shop?download=true')
    expect(kept.bytes.subarray(0, 2).toString()).toBe('PK')
  })

  test('of the first version loads a single file, which the command line brings once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'taibai-fission-'))
    writeFileSync(join(folder, 'hello.js'), "export default ({ hasPackage }) => ({ body: 'hello ' + hasPackage })")
    const manifest = `functions: {first: {code: hello.js, image: '${image('fission')}', mode: fission, env: {ENV_VERSION: '1'}, memory_mb: 192}}`
    writeFileSync(join(folder, 'taibai.yaml'), manifest)
    const run = cliOf({ url: server.url, token: server.token })
    const deployed = await run(['deploy', folder])
    expect(deployed.code, deployed.stderr).toBe(0)
    expect(await call('first')).toEqual([200, 'hello true'])
    expect((await run(['deploy', folder, '--json'])).json.steps).toEqual([])
    rmSync(folder, { recursive: true })
  })
})
