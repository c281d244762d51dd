import { beforeEach, describe, expect, test } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import { aBuild, aRuntime } from '../support/builders.ts'
import { bytesOfBuffers } from '../support/collect-garbage.ts'
import { makeTestApp, type TestApp, type TestRequest } from '../support/test-app.ts'

/** Deployments that need a build, over real SQLite; builds themselves are a double. */

let app: TestApp
const zip = Buffer.from('PK package of a test')
const sharp = '{"dependencies": {"sharp": "0.34.5"}}'

/** What the package has at its top, which a fake ZIP cannot say. */
async function brings(content: Buffer, files: Record<string, string>) {
  const { hash } = await app.packages.put(content)
  app.packages.files.set(hash, files)
}
const deploy = (name: string, query = '', asked: TestRequest = {}, content = zip) =>
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

  test('refuses a new function, with the tool’s message as the reason', async () => {
    const { status, json } = await deploy('new')
    expect([status, json.code]).toEqual([400, 'build_failed'])
    expect(json.faultstring).toContain('The build failed, and nothing was changed: it ended with code 1.')
    expect(json.faultstring).toContain('npm error 404 no such package')
    expect((await app.request('GET', '/v1/functions/new')).status).toBe(404)
  })

  test('leaves the deployed code unchanged', async () => {
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
      error: 'it ended with code 1.\nnpm error 404 no such package',
    })
    expect((await app.request('GET', `/v1/builds/${build.id}/log`)).text).toBe('npm error 404 no such package\n')
  })

  test('ends a line-by-line response with its error', async () => {
    const { status, text } = await deploy('new', '', lines)
    expect(status).toBe(200)
    const [begun, output, end] = parsedLines(text)
    expect(begun.build).toMatchObject({ function_name: 'new', status: 'running' })
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
  test('is built before it is deployed; its checksum stays that of the uploaded package', async () => {
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

  test('is built once for all code with the same list', async () => {
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

  test('is deployed as it is when the caller says so', async () => {
    await deploy('plain', '&build=never')
    expect(app.builds.runs).toEqual([])
  })

  test('is answered line by line when the caller asks for it', async () => {
    const { status, headers, text } = await deploy('web', '', lines)
    expect([status, headers.get('Content-Type')]).toEqual([200, 'application/x-ndjson'])
    const [begun, output, end] = parsedLines(text)
    expect(begun.build).toMatchObject({ function_name: 'web', status: 'running' })
    expect(output).toEqual({ output: 'installed\n' })
    expect(end.function).toMatchObject({ name: 'web', code: { source: 'package' } })
  })

  test('is answered as usual when there is nothing to build', async () => {
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
  expect(parsedLines(text)[1]).toEqual({ output: 'NPM_TOKEN ***\n' })
  const [{ id }] = (await app.request('GET', '/v1/builds')).json.builds
  expect((await app.request('GET', `/v1/builds/${id}/log`)).text).toBe('NPM_TOKEN ***\n')
})

test('The log of a running build is its output up to now', async () => {
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

test('The number of kept builds of a project never exceeds the operator’s limit', async () => {
  for (const version of ['1', '2', '3', '4']) {
    const content = Buffer.from(`PK ${version}`)
    await brings(content, { 'package.json': sharp.replace('0.34.5', version) })
    await deploy(`f${version}`, '', {}, content)
  }
  const { builds } = (await app.request('GET', '/v1/builds')).json
  expect(builds.map((build: { function_name: string }) => build.function_name)).toEqual(['f4', 'f3', 'f2'])
})

test('A build does not run again while its resulting package is being stored', async () => {
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

/** A build that the test controls: it prints, and ends when the test says so. */
function heldBuild(printed = '') {
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  app.builds.go = async ({ onOutput, signal }) => {
    onOutput(printed)
    begun.resolve()
    const stopped = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    await Promise.race([end.promise, stopped])
  }
  return { begun: begun.promise, end: end.resolve, fail: (error: FaasError) => end.reject(error) }
}
const builds = async (query = '') => (await app.request('GET', `/v1/builds${query}`)).json.builds
const buildOf = async (id: string) => (await app.request('GET', `/v1/builds/${id}`)).json
const update = (id: string, content: Buffer, query = '') =>
  app.request('PUT', `/v1/functions/${id}${query}`, { body: content, headers: { 'Content-Type': 'application/zip' } })

describe('A caller who does not wait', () => {
  const asks: [how: string, query: string, headers: Record<string, string>][] = [
    ['async=true', '&async=true', {}],
    ['Prefer: respond-async', '', { Prefer: 'respond-async' }],
    ['Prefer: wait=0', '', { Prefer: 'wait=0' }],
  ]
  test.each(asks)('gets the build with %s, and the build continues', async (_how, query, headers) => {
    const build = heldBuild('half way\n')
    const accepted = await deploy('web', query, { headers })
    expect([accepted.status, accepted.json.status]).toEqual([202, 'running'])
    expect(accepted.headers.get('Location')).toBe(`/v1/builds/${accepted.json.id}`)
    expect(accepted.headers.get('Preference-Applied')).toBe(headers.Prefer ?? null)
    expect((await app.request('GET', '/v1/functions/web')).status).toBe(404)
    build.end()
    await expect.poll(async () => (await buildOf(accepted.json.id)).status).toBe('success')
    expect((await app.request('GET', '/v1/functions/web')).json.id).toBe(accepted.json.function_id)
  })

  test('gets the function at once if there is nothing to build, and a refusal at once', async () => {
    const plain = Buffer.from('PK nothing needed')
    await brings(plain, { 'main.mjs': '' })
    expect((await deploy('plain', '&async=true', {}, plain)).status).toBe(201)
    expect((await deploy('plain', '&async=true', {}, plain)).status).toBe(409)
    expect((await deploy('other', '&async=maybe')).json.faultstring).toBe('"async" must be true or false, not "maybe".')
    expect(await builds()).toEqual([])
  })

  test('learns from the build why it was not deployed, even if it was built', async () => {
    const build = heldBuild()
    const { json } = await deploy('web', '&async=true')
    const other = Buffer.from('PK nothing needed')
    await brings(other, { 'main.mjs': '' })
    expect((await deploy('web', '', {}, other)).status).toBe(201)
    build.end()
    await expect.poll(async () => (await buildOf(json.id)).status).toBe('failed')
    expect((await buildOf(json.id)).error).toContain('web')
  })

  test('is refused when too many builds of the project have not ended', async () => {
    const build = heldBuild()
    for (let at = 0; at < 5; at++) {
      const content = Buffer.from(`PK ${at}`)
      await brings(content, { 'package.json': sharp.replace('0.34.5', `${at}`) })
      expect((await deploy(`f${at}`, '&async=true', {}, content)).status).toBe(202)
    }
    const { status, json } = await deploy('more', '&async=true')
    expect([status, json.code]).toEqual([503, 'queue_full'])
    expect(json.faultstring).toContain('TAIBAI_MAX_OPEN_BUILDS')
    build.end()
    await expect.poll(async () => (await builds('?status=running')).length).toBe(0)
  })
})

test('Deployments that go on without their callers hold none of what these have sent', async () => {
  const [most, mib] = [5, 1024 * 1024]
  app = makeTestApp({ settings: { maxPackageBytes: 32 * mib, maxBodiesBytes: 256 * mib } })
  app.stores.runtimes.insert(aRuntime({ name: 'node', projectId: 'red' }))
  await brings(zip, { 'main.mjs': '', 'package.json': sharp })
  const build = heldBuild()
  const put = app.packages.put.bind(app.packages)
  app.packages.put = (sent) => put(sent.subarray(0, 4).equals(zip.subarray(0, 4)) ? zip : sent)
  const before = bytesOfBuffers()
  for (let at = 0; at < most; at++) {
    const content = Buffer.alloc(20 * mib, at)
    zip.copy(content)
    expect((await deploy(`f${at}`, '&async=true', {}, content)).status).toBe(202)
  }
  await expect.poll(() => (bytesOfBuffers() - before) / mib, { timeout: 30_000 }).toBeLessThan(2 * 20)
  expect(await builds('?status=running')).toHaveLength(most)
  build.end()
  await expect.poll(async () => (await builds('?status=running')).length).toBe(0)
})

describe('The log of a build', () => {
  test('is followed from its beginning to its end', async () => {
    const build = heldBuild('half way\n')
    const { json } = await deploy('web', '&async=true')
    await build.begun
    const followed = app.request('GET', `/v1/builds/${json.id}/log?follow=true`)
    await expect.poll(async () => (await app.request('GET', `/v1/builds/${json.id}/log`)).text).toBe('half way\n')
    app.builds.runs[0]?.onOutput('the rest\n')
    build.end()
    expect((await followed).text).toBe('half way\nthe rest\n')
    expect((await buildOf(json.id)).status).toBe('success')
    expect((await app.request('GET', `/v1/builds/${json.id}/log?follow=true`)).text).toBe('half way\nthe rest\n')
  })

  test('of the oldest build is removed when the logs of a project exceed their limit', async () => {
    app.builds.go = async ({ onOutput }) => onOutput('x'.repeat(4000))
    for (const version of ['1', '2', '3']) {
      const content = Buffer.from(`PK ${version}`)
      await brings(content, { 'package.json': sharp.replace('0.34.5', version) })
      await deploy(`f${version}`, '', {}, content)
    }
    const logs = await Promise.all(
      (await builds()).map(async ({ id }: { id: string }) => (await app.request('GET', `/v1/builds/${id}/log`)).text),
    )
    expect(logs.map(({ length }) => length > 1000)).toEqual([true, true, false])
    expect(logs[2]).toContain('not kept any more')
  })
})

describe('Two concurrent deployments of one function', () => {
  const [older, newer] = [Buffer.from('PK older'), Buffer.from('PK newer')]
  const ends = new Map<string, () => void>()
  let id = ''
  beforeEach(async () => {
    await brings(older, { 'main.mjs': 'older', 'package.json': sharp.replace('0.34.5', '1') })
    await brings(newer, { 'main.mjs': 'newer' })
    id = (await deploy('web', '&build=never')).json.id
    ends.clear()
    app.builds.go = ({ folder }) => new Promise((resolve) => ends.set(folder, resolve))
  })
  const packageNow = () => app.stores.functions.find(id)?.packageHash

  test('the one that was accepted last wins, even if the other ends later', async () => {
    const first = update(id, older)
    await expect.poll(() => ends.size).toBe(1)
    expect((await update(id, newer)).status).toBe(200)
    const kept = packageNow()
    for (const end of ends.values()) end()
    const { status, json } = await first
    expect([status, json.code]).toEqual([409, 'conflict'])
    expect(json.faultstring).toContain('accepted after this one')
    expect(packageNow()).toBe(kept)
    expect(await builds()).toMatchObject([{ status: 'superseded' }])
  })

  test('one that was accepted before a rollback does not undo it', async () => {
    expect((await app.request('POST', `/v1/functions/${id}/versions`, { json: {} })).status).toBe(201)
    const kept = packageNow()
    const first = update(id, older)
    await expect.poll(() => ends.size).toBe(1)
    expect((await app.request('POST', `/v1/functions/${id}/versions/1/rollback`)).status).toBe(200)
    for (const end of ends.values()) end()
    expect((await first).status).toBe(409)
    expect(packageNow()).toBe(kept)
  })

  test('the first one wins when the second fails', async () => {
    const broken = Buffer.from('PK broken')
    await brings(broken, { 'package.json': sharp.replace('0.34.5', '2') })
    const first = update(id, older)
    await expect.poll(() => ends.size).toBe(1)
    const second = update(id, broken, '?check=load&async=true')
    app.builds.go = async () => {
      throw new FaasError('build_failed', 'it ended with code 1.')
    }
    for (const end of ends.values()) end()
    expect((await first).status).toBe(200)
    await second
    await expect
      .poll(async () => (await builds()).map((one: { status: string }) => one.status))
      .toEqual(['failed', 'success'])
  })

  test('a change of other fields is no deployment, and keeps the code that was deployed meanwhile', async () => {
    const first = update(id, older)
    await expect.poll(() => ends.size).toBe(1)
    expect((await app.request('PUT', `/v1/functions/${id}`, { json: { timeout: 9 } })).status).toBe(200)
    for (const end of ends.values()) end()
    expect((await first).json).toMatchObject({ timeout: 9 })
  })
})

describe('A build that is asked for again', () => {
  const again = (id: string, query = '') => app.request('POST', `/v1/builds/${id}/rebuild${query}`)

  test("installs the package's dependencies again and deploys it", async () => {
    const { json: fn } = await deploy('web')
    const before = app.stores.functions.find(fn.id)?.packageHash
    const [{ id }] = await builds()
    const { status, json } = await again(id)
    expect([status, json.id]).toEqual([200, fn.id])
    expect(app.builds.runs).toHaveLength(2)
    expect(app.stores.functions.find(fn.id)?.packageHash).not.toBe(before)
    expect((await again(id, '?async=true')).status).toBe(202)
    await expect
      .poll(async () => (await builds()).every((one: { status: string }) => one.status === 'success'))
      .toBe(true)
  })

  test('works after a failure, if the function existed', async () => {
    const { json: fn } = await deploy('web', '&build=never')
    const other = Buffer.from('PK other')
    await brings(other, { 'package.json': sharp.replace('0.34.5', '9') })
    app.builds.go = async () => {
      throw new FaasError('build_failed', 'the registry was away.')
    }
    expect((await update(fn.id, other)).status).toBe(400)
    app.builds.go = async () => {}
    const [{ id }] = await builds()
    expect((await again(id)).status).toBe(200)
    expect((await app.request('GET', `/v1/functions/${fn.id}?download=true`)).bytes).toEqual(other)
  })

  test('is refused for a function that was not created, for a removed package, and to other projects', async () => {
    app.builds.go = async () => {
      throw new FaasError('build_failed', 'no.')
    }
    await deploy('web')
    const [{ id }] = await builds()
    expect((await again(id)).json).toMatchObject({
      code: 'conflict',
      faultstring: expect.stringContaining('not created'),
    })
    app.builds.go = async () => {}
    await deploy('there')
    const [{ id: other }] = await builds()
    app.packages.stored.clear()
    expect((await again(other)).json).toMatchObject({
      code: 'conflict',
      faultstring: expect.stringContaining('not stored any more'),
    })
    expect((await app.request('POST', `/v1/builds/${other}/rebuild`, { as: 'bob' })).status).toBe(404)
  })
})

describe('A cancelled build', () => {
  const cancel = (id: string, as: 'alice' | 'bob' = 'alice') => app.request('POST', `/v1/builds/${id}/cancel`, { as })

  test('ends as failed, tells its caller, and changes nothing', async () => {
    const build = heldBuild('half way\n')
    const deploying = deploy('web')
    await build.begun
    const [{ id }] = await builds()
    const { status, json } = await cancel(id)
    expect([status, json.status]).toEqual([200, 'failed'])
    expect(json.error).toContain('it was cancelled.')
    expect((await deploying).json).toMatchObject({
      code: 'build_failed',
      faultstring: expect.stringContaining('nothing was changed: it was cancelled.'),
    })
    expect((await app.request('GET', '/v1/functions/web')).status).toBe(404)
    expect((await cancel(id)).json).toEqual(await buildOf(id))
  })

  test('gives up its place while it waits, and the next one builds', async () => {
    const build = heldBuild()
    const first = deploy('first')
    await build.begun
    const other = Buffer.from('PK other code')
    await brings(other, { 'package.json': '{"dependencies": {"is-odd": "3.0.1"}}' })
    const second = deploy('second', '', {}, other)
    await expect.poll(async () => (await builds()).length).toBe(2)
    const waiting = (await builds()).find((row: { function_name: string }) => row.function_name === 'second')
    expect((await cancel(waiting.id)).json.status).toBe('failed')
    expect((await second).json.code).toBe('build_failed')
    expect(app.builds.runs.length).toBe(1)
    build.end()
    expect((await first).status).toBe(201)
    expect((await deploy('third', '', {}, other)).status).toBe(201)
  })

  test('is not cancelled by another project', async () => {
    const build = heldBuild()
    const deploying = deploy('web')
    await build.begun
    const [{ id }] = await builds()
    expect((await cancel(id, 'bob')).status).toBe(404)
    build.end()
    expect((await deploying).status).toBe(201)
  })
})

describe('A server that stops in the middle of a build', () => {
  test('tells the caller that it stops, and marks the build as interrupted', async () => {
    const build = heldBuild('half way\n')
    const deploying = deploy('web')
    await build.begun
    await app.closeBuilds()
    const { status, json } = await deploying
    expect([status, json.code]).toEqual([503, 'shutting_down'])
    const [row] = app.stores.builds.list('red')
    expect(row).toMatchObject({ status: 'interrupted', error: expect.stringContaining('nothing was changed') })
    expect(app.stores.builds.log(row?.id ?? '')).toBe('half way\n')
  })

  test('marks the build after its next start if it had no time before, and does not rebuild automatically', async () => {
    app.stores.builds.insert(aBuild({ projectId: 'red', status: 'running' }))
    app.startBuilds()
    expect(await builds()).toMatchObject([
      { status: 'interrupted', error: expect.stringContaining('The server ended') },
    ])
    expect(app.builds.runs).toEqual([])
  })
})

test('Builds are listed by function and state', async () => {
  await deploy('one')
  await deploy('two', '&build=always')
  const [two, one] = await builds()
  expect(await builds(`?function_id=${one.function_id}`)).toEqual([one])
  expect(await builds(`?status=success&function_id=${two.function_id}`)).toEqual([two])
  expect(await builds('?status=failed')).toEqual([])
})

test('Caches of builds count in the share of a project, and are removed for its packages', async () => {
  await app.request('PUT', '/v1/projects/red/limits', { as: 'admin', json: { package_bytes: 1500 } })
  await deploy('one')
  const used = async () => {
    const { limits } = (await app.request('GET', '/v1/limits')).json
    return limits.find(({ name }: { name: string }) => name === 'package_bytes').used
  }
  const package_ = zip.length
  expect(await used()).toBe(package_)
  await app.request('DELETE', '/v1/functions/one')
  expect(await used()).toBe(1000)
  const other = Buffer.from('PK other code')
  await brings(other, { 'package.json': sharp.replace('0.34.5', '2') })
  expect((await deploy('two', '', {}, other)).status).toBe(201)
  await expect.poll(used).toBe(1000 + other.length)
  const third = Buffer.from('PK third')
  await brings(third, { 'package.json': sharp.replace('0.34.5', '3') })
  expect((await deploy('two-and-a-half', '', {}, third)).status).toBe(201)
  await expect.poll(used).toBeLessThan(1500)
})
