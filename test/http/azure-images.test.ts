/** Apps of Azure Functions that are in an image are taken out of it. */
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { describe, expect, test } from 'vitest'
import { aRuntime } from '../support/builders.ts'
import { makeTestApp, type TestAppOptions } from '../support/test-app.ts'

const image = 'registry.example.org/team/shop:1'
const hello = { name: 'hello', trigger: 'httpTrigger', route: '/api/hello', methods: [], auth_level: 'anonymous' }
const node = {
  FUNCTIONS_WORKER_RUNTIME: 'node',
  PATH: '/bin',
  WEBSITE_HOSTNAME: 'localhost:80',
  GREETING: 'hi',
  OWN: '1',
}

/** `files`: what the image has in its folder for apps. */
function prepare(env: Record<string, string> = node, options: TestAppOptions = {}, files = { 'host.json': '{}' }) {
  const app = makeTestApp(options)
  for (const name of ['nodejs', 'python3'])
    app.stores.runtimes.insert(aRuntime({ id: idOf(name), name, projectId: 'ops' }))
  app.pool.functions = [hello]
  const asked: string[] = []
  const tars: Readable[] = []
  app.images.folder = async (name, path) => {
    asked.push(`${name} ${path}`)
    const tar = pack()
    tar.entry({ name: 'wwwroot/', type: 'directory' })
    for (const [file, text] of Object.entries(files)) tar.entry({ name: `wwwroot/${file}` }, text)
    tar.finalize()
    tars.push(Readable.from(tar))
    return { env, tar: tars.at(-1) as Readable }
  }
  const code = { source: 'image', mode: 'azure', image }
  return {
    app,
    asked,
    tars,
    make: (more: object = {}) => app.request('POST', '/v1/functions', { json: { name: 'shop', code, ...more } }),
    code,
  }
}

const idOf = (name: string): string => `00000000-0000-4000-8000-${name === 'nodejs' ? '000000000001' : '000000000002'}`

describe('an image of the mode azure', () => {
  test('is a package of the app in it, in the runtime that it names, with its environment', async () => {
    const { app, asked, make } = prepare()
    const made = await make({ env: { OWN: '2' } })
    expect([made.status, asked]).toEqual([201, [`${image} /home/site/wwwroot`]])
    expect(made.json).toMatchObject({
      ...{ runtime_id: idOf('nodejs'), signature: 'azure', env: { GREETING: 'hi', OWN: '2' } },
      code: { source: 'package', from_image: image, functions: [hello] },
    })
    const { bytes } = await app.request('GET', '/v1/functions/shop?download=true')
    expect(bytes.subarray(0, 60).toString('latin1')).toContain('host.json')
  })

  test('another image takes its place', async () => {
    const { app, asked, make, code } = prepare()
    await make()
    const changed = await app.request('PUT', '/v1/functions/shop', { json: { code: { ...code, image: 'shop:2' } } })
    expect([changed.status, changed.json.code.from_image, asked.at(-1)]).toEqual([
      200,
      'shop:2',
      'shop:2 /home/site/wwwroot',
    ])
  })

  test('another image keeps the variables that the first one did not bring', async () => {
    const variables: Record<string, string> = { ...node }
    const { app, make, code } = prepare(variables)
    await make({ env: { OWN: '2', DATABASE: 'db' } })
    delete variables.GREETING
    variables.MOOD = 'good'
    const changed = await app.request('PUT', '/v1/functions/shop', { json: { code: { ...code, image: 'shop:2' } } })
    expect(changed.json.env).toEqual({ OWN: '2', DATABASE: 'db', MOOD: 'good' })
    const given = { code: { ...code, image: 'shop:3' }, env: { OWN: '3' } }
    expect((await app.request('PUT', '/v1/functions/shop', { json: given })).json.env).toEqual({
      OWN: '3',
      MOOD: 'good',
    })
  })

  test('for Python runs in the runtime of Python', async () => {
    const { make } = prepare({ FUNCTIONS_WORKER_RUNTIME: 'python' })
    expect((await make()).json.runtime_id).toBe(idOf('python3'))
  })

  test.each([
    [
      'of another language',
      { FUNCTIONS_WORKER_RUNTIME: 'dotnet-isolated' },
      {},
      400,
      /is for "dotnet-isolated": apps for node/,
    ],
    ['that is none of Azure Functions', {}, {}, 400, /does not set FUNCTIONS_WORKER_RUNTIME/],
    ['that the operator does not allow', node, { imageAllow: ['other/*'] }, 403, /TAIBAI_IMAGE_ALLOW/],
  ])('one %s is refused', async (_name, env, options, status, message) => {
    const { app, tars, make } = prepare(env as Record<string, string>, options)
    const made = await make()
    expect([made.status, made.json.faultstring]).toEqual([status, expect.stringMatching(message)])
    expect((await app.request('GET', '/v1/functions/shop')).status).toBe(404)
    // What the engine took out stays with it until the stream is closed.
    expect(tars.every(({ destroyed }) => destroyed)).toBe(true)
  })

  test('one whose app is too long is refused', async () => {
    const { make } = prepare(node, {}, { 'host.json': 'x'.repeat(2 * 1024 * 1024) })
    const { status, json } = await make()
    expect([status, json.faultstring]).toEqual([400, expect.stringMatching(/cannot be taken: it has more than/)])
  })
})
