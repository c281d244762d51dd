import { beforeEach, describe, expect, test } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import { aRuntime } from '../support/builders.ts'
import { type Asked, makeTestApp, type TestApp } from '../support/test-app.ts'

/** Deployments that need a build, over real SQLite; builds themselves are a double. */

let app: TestApp
const zip = Buffer.from('PK package of a test')
const sharp = '{"dependencies": {"sharp": "0.34.5"}}'

/** What the package has at its top, which a fake ZIP cannot say. */
async function brings(content: Buffer, files: Record<string, string>) {
  const { hash } = await app.packages.put(content)
  app.packages.files.set(hash, files)
}
const deploy = (name: string, query = '', asked: Asked = {}, content = zip) =>
  app.request('POST', `/v1/functions?name=${name}&runtime=node${query}`, {
    body: content,
    ...asked,
    headers: { 'Content-Type': 'application/zip', ...asked.headers },
  })
const lines = { headers: { Accept: 'application/x-ndjson' } }
const parsedLines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

beforeEach(async () => {
  app = makeTestApp()
  app.stores.runtimes.insert(aRuntime({ name: 'node', projectId: 'red' }))
  await brings(zip, { 'main.mjs': '', 'package.json': sharp })
})

describe('A build that fails', () => {
  beforeEach(() => {
    app.builds.go = async ({ onOutput }) => {
      onOutput('npm error 404 no such package\n')
      throw new FaasError('build_failed', 'it ended with code 1.')
    }
  })

  test('refuses a new function, and says why in the words of the tool', async () => {
    const { status, json } = await deploy('new')
    expect([status, json.code]).toEqual([400, 'build_failed'])
    expect(json.faultstring).toContain('The build failed, and nothing was changed: it ended with code 1.')
    expect(json.faultstring).toContain('npm error 404 no such package')
    expect((await app.request('GET', '/v1/functions/new')).status).toBe(404)
  })

  test('leaves the code that runs as it is', async () => {
    const before = (await deploy('kept', '&build=never')).json
    const other = Buffer.from('PK other code')
    await brings(other, { 'package.json': sharp })
    const path = `/v1/functions/${before.id}`
    const refused = await app.request('PUT', path, { body: other, headers: { 'Content-Type': 'application/zip' } })
    expect(refused.status).toBe(400)
    expect((await app.request('GET', path)).json).toEqual(before)
  })

  test('is kept with its output', async () => {
    await deploy('new')
    const [build] = (await app.request('GET', '/v1/builds')).json.builds
    expect(build).toMatchObject({
      ...{ function_name: 'new', runtime: 'node', list: 'package.json', status: 'failed', cached: false, size: null },
      error: 'it ended with code 1.',
    })
    expect((await app.request('GET', `/v1/builds/${build.id}/log`)).text).toBe('npm error 404 no such package\n')
  })

  test('ends an answer in lines with its error', async () => {
    const { status, text } = await deploy('new', '', lines)
    expect(status).toBe(200)
    const [output, end] = parsedLines(text)
    expect(output).toEqual({ output: 'npm error 404 no such package\n' })
    expect(end.error).toMatchObject({ code: 'build_failed', faultcode: 'Client' })
  })
})

describe('A build is refused', () => {
  test.each([
    ['build=sometimes', '"build" must be one of auto, always, never, not "sometimes".'],
    ['bundle=perhaps', '"bundle" must be true or false, not "perhaps".'],
    ['build=never&bundle=true', '"bundle" is a build: leave "build=never" out.'],
  ])('for %s', async (query, why) => {
    const { status, json } = await deploy('refused', `&${query}`)
    expect([status, json.faultstring]).toEqual([400, why])
  })

  test('to be seen by another project', async () => {
    await deploy('mine')
    const [{ id }] = (await app.request('GET', '/v1/builds')).json.builds
    for (const path of [`/v1/builds/${id}`, `/v1/builds/${id}/log`]) {
      expect((await app.request('GET', path, { as: 'bob' })).status).toBe(404)
    }
    expect((await app.request('GET', '/v1/builds', { as: 'bob' })).json).toEqual({ builds: [] })
    expect((await app.request('GET', `/v1/builds/${id}`, { as: 'admin' })).status).toBe(200)
  })
})

describe('A package that brings a list', () => {
  test('is built before it is deployed; its checksum stays that of what was sent', async () => {
    const { status, json } = await deploy('web')
    expect(status).toBe(201)
    const plain = (await deploy('plain', '&build=never')).json
    expect(json.code).toEqual(plain.code)
    const hashOf = (name: string) => app.stores.functions.findByName('red', name)?.packageHash
    expect(hashOf('web')).not.toBe(hashOf('plain'))
    expect(app.builds.runs).toMatchObject([
      { files: ['package.json'], secrets: {}, env: { DEPENDENCY_LIST: 'package.json' } },
    ])
  })

  test('is built once, for whatever code comes with the same list', async () => {
    await deploy('one')
    const other = Buffer.from('PK other code')
    await brings(other, { 'main.mjs': 'changed', 'package.json': sharp })
    expect((await deploy('two', '', {}, other)).status).toBe(201)
    expect(app.builds.runs).toHaveLength(1)
    const { builds } = (await app.request('GET', '/v1/builds')).json
    expect(builds.map((build: { cached: boolean }) => build.cached)).toEqual([true, false])
    await deploy('three', '&build=always')
    expect(app.builds.runs).toHaveLength(2)
  })

  test('is taken as it is by callers who say so', async () => {
    await deploy('plain', '&build=never')
    expect(app.builds.runs).toEqual([])
  })

  test('is answered in lines to who asks for them', async () => {
    const { status, headers, text } = await deploy('web', '', lines)
    expect([status, headers.get('Content-Type')]).toEqual([200, 'application/x-ndjson'])
    const [output, end] = parsedLines(text)
    expect(output).toEqual({ output: 'installed\n' })
    expect(end.function).toMatchObject({ name: 'web', code: { source: 'package' } })
  })

  test('is answered as ever where nothing has to be built', async () => {
    const plain = Buffer.from('PK nothing needed')
    await brings(plain, { 'main.mjs': '' })
    const { status, json } = await deploy('plain', '', lines, plain)
    expect([status, json.name]).toEqual([201, 'plain'])
    expect((await deploy('plain', '', lines, plain)).status).toBe(409)
  })
})

test('Secrets whose names begin with BUILD_ are variables of builds, and not in their output', async () => {
  const set = (name: string, value: string) => app.request('POST', '/v1/secrets', { json: { name, value } })
  expect((await set('BUILD_NPM_TOKEN', 'npm_abcdef')).status).toBe(201)
  expect((await set('OTHER', 'no-business-here')).status).toBe(201)
  app.builds.go = async ({ secrets, onOutput }) => onOutput(`${Object.keys(secrets)} ${secrets.NPM_TOKEN}\n`)
  const { text } = await deploy('web', '', lines)
  expect(parsedLines(text)[0]).toEqual({ output: 'NPM_TOKEN ***\n' })
  const [{ id }] = (await app.request('GET', '/v1/builds')).json.builds
  expect((await app.request('GET', `/v1/builds/${id}/log`)).text).toBe('NPM_TOKEN ***\n')
})

test('The log of a build that runs is what it has printed so far', async () => {
  const printed = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  app.builds.go = async ({ onOutput }) => {
    onOutput('half way\n')
    printed.resolve()
    await goOn.promise
  }
  const deploying = deploy('web')
  await printed.promise
  const [build] = (await app.request('GET', '/v1/builds')).json.builds
  expect(build.status).toBe('running')
  expect((await app.request('GET', `/v1/builds/${build.id}/log`)).text).toBe('half way\n')
  goOn.resolve()
  expect((await deploying).status).toBe(201)
})

test('Builds of one project wait for each other; those of another do not', async () => {
  const begun: string[] = []
  const ends: (() => void)[] = []
  app.stores.runtimes.insert(aRuntime({ name: 'node', projectId: 'blue' }))
  const [a, b, c] = [Buffer.from('PK a'), Buffer.from('PK b'), Buffer.from('PK c')]
  for (const [at, content] of [a, b, c].entries())
    await brings(content, { 'package.json': sharp.replace('0.34.5', `${at}`) })
  app.builds.go = async ({ folder }) => {
    begun.push(folder)
    await new Promise<void>((resolve) => ends.push(resolve))
  }
  const deploying = [deploy('a', '', {}, a), deploy('b', '', {}, b), deploy('c', '', { as: 'bob' }, c)]
  await expect.poll(() => begun.length).toBe(2)
  const running = (await app.request('GET', '/v1/builds?all_projects=true', { as: 'admin' })).json.builds
  expect(running.map((build: { status: string }) => build.status)).toEqual(['running', 'running', 'running'])
  for (let done = 0; done < 3; done++) {
    await expect.poll(() => ends.length).toBeGreaterThan(done)
    ends[done]?.()
  }
  expect((await Promise.all(deploying)).map(({ status }) => status)).toEqual([201, 201, 201])
})

test('No more builds of a project are kept than the operator says, at any time', async () => {
  for (const version of ['1', '2', '3', '4']) {
    const content = Buffer.from(`PK ${version}`)
    await brings(content, { 'package.json': sharp.replace('0.34.5', version) })
    await deploy(`f${version}`, '', {}, content)
  }
  const { builds } = (await app.request('GET', '/v1/builds')).json
  expect(builds.map((build: { function_name: string }) => build.function_name)).toEqual(['f4', 'f3', 'f2'])
})

test('What a build has made is not made anew while its package is laid out', async () => {
  const goOn = Promise.withResolvers<void>()
  const layOut = app.packages.putBuilt.bind(app.packages)
  let laidOut = 0
  app.packages.putBuilt = async (stored, layer) => {
    laidOut++
    await goOn.promise
    return layOut(stored, layer)
  }
  const deploying = ['one', 'two'].map((name) => deploy(name, '&build=always'))
  await expect.poll(() => laidOut).toBe(1)
  expect((await app.request('GET', '/v1/builds')).json.builds).toHaveLength(2)
  expect(app.builds.runs).toHaveLength(1)
  goOn.resolve()
  expect((await Promise.all(deploying)).map(({ status }) => status)).toEqual([201, 201])
  expect(app.builds.runs).toHaveLength(2)
})
