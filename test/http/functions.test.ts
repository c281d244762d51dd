import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import { zipOf } from '../../src/store/zip-of.ts'
import { aFn, aJob, anAlias, anExecution, aRuntime, aWebhook } from '../support/builders.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp, type TestApp } from '../support/test-app.ts'

const unknownId = '0190a000-0000-7000-8000-00000000dead'
const zip = zipOf('main.py', 'def main(event, context): return event')
const otherZip = zipOf('main.py', 'def main(event, context): return 2')
const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')
const md5sum = md5(zip)
const packageCode = '{"source": "package"}'

function prepareRuntimes() {
  const app = makeTestApp()
  const shared = aRuntime({ name: 'python3', projectId: 'ops' })
  const ownShared = aRuntime({ name: 'python3', projectId: 'red' })
  const secret = aRuntime({ name: 'secret', projectId: 'blue', isPublic: false })
  const broken = aRuntime({ name: 'broken', status: 'error' })
  for (const runtime of [shared, ownShared, secret, broken]) app.stores.runtimes.insert(runtime)
  const made: Record<string, string> = { shared: shared.id, own: ownShared.id, secret: secret.id, broken: broken.id }
  return { app, made }
}

/** A function of red with the package, and one of an image. */
async function withFunctions() {
  const { app, made } = prepareRuntimes()
  const form = { code: packageCode, runtime_id: made.own as string, name: 'hello', package: zip }
  const fn = await app.request('POST', '/v1/functions', { form })
  const image = await app.request('POST', '/v1/functions', {
    json: { name: 'box', code: { source: 'image', image: 'busybox' } },
  })
  expect([fn.status, image.status]).toEqual([201, 201])
  Object.assign(made, { fn: fn.json.id, image: image.json.id })
  return { app, made: made as Record<'fn' | 'image' | 'own' | 'shared', string> }
}

describe('creating a function', () => {
  const ask = 'POST /v1/functions'
  const runtime = 'python3'
  const code = packageCode
  const form = { code, runtime, package: zip }
  const inline = { source: 'inline', filename: 'main.py', content: 'def main(event, context): return 1' }
  const json = { code: inline, runtime }
  const image = { source: 'image', image: 'busybox:1' }

  describe('is refused', () => {
    testRows(
      [
        { name: 'without a token', ask, as: 'nobody', form, status: 401 },
        { name: 'with an unknown token', ask, as: 'stranger', form, status: 401 },
        {
          name: 'without code, before anything else',
          ask,
          form: { timeout: 'x', cpu: '1' },
          status: 400,
          shows: ['code'],
        },
        { name: 'without a body', ask, status: 400, shows: ['missing'] },
        { name: 'with an empty code', ask, form: { code: '' }, status: 400, shows: ['code'] },
        { name: 'with a null code', ask, json: { code: null }, status: 400, shows: ['code'] },
        {
          name: 'with a timeout that is not a number, before cpu',
          ask,
          form: { ...form, timeout: 'x', cpu: 'y' },
          status: 400,
          shows: ['timeout'],
        },
        { name: 'with an empty timeout', ask, form: { ...form, timeout: '' }, status: 400, shows: ['timeout'] },
        {
          name: 'with a timeout of 0',
          ask,
          form: { ...form, timeout: '0' },
          status: 400,
          shows: ['timeout', '1 to 300'],
        },
        {
          name: 'with a timeout over the limit',
          ask,
          form: { ...form, timeout: '301' },
          status: 400,
          shows: ['timeout'],
        },
        { name: 'with a fraction as cpu', ask, json: { ...json, cpu: 100.5 }, status: 400, shows: ['cpu', 'whole'] },
        { name: 'with too little cpu', ask, form: { ...form, cpu: '99' }, status: 400, shows: ['cpu'] },
        {
          name: 'with too much memory',
          ask,
          form: { ...form, memory_size: '99999999999' },
          status: 400,
          shows: ['memory_size'],
        },
        {
          name: 'with too little memory, before looking at the code',
          ask,
          form: { code: '{', memory_size: '1' },
          status: 400,
          shows: ['memory_size'],
        },
        { name: 'with code that is not JSON', ask, form: { ...form, code: '{' }, status: 400, shows: ['code', 'JSON'] },
        { name: 'with code that is an array', ask, form: { ...form, code: '[]' }, status: 400, shows: ['object'] },
        { name: 'without a source', ask, form: { ...form, code: '{}' }, status: 400, shows: ['source'] },
        {
          name: 'with an unknown source',
          ask,
          form: { ...form, code: '{"source":"git"}' },
          status: 400,
          shows: ['source'],
        },
        { name: 'without a runtime', ask, form: { code, package: zip }, status: 400, shows: ['runtime'] },
        {
          name: 'with an empty runtime',
          ask,
          form: { code, runtime_id: '', package: zip },
          status: 400,
          shows: ['runtime'],
        },
        {
          name: 'with an unknown runtime',
          ask,
          form: { code, runtime_id: unknownId, package: zip },
          status: 404,
          shows: [unknownId],
        },
        { name: 'with an unknown runtime name', ask, form: { code, runtime: 'cobol', package: zip }, status: 404 },
        {
          name: "with another project's private runtime",
          ask: ask,
          form: { code, runtime: 'secret', package: zip },
          status: 404,
        },
        {
          name: 'with a runtime that is not available',
          ask,
          form: { code, runtime: 'broken', package: zip },
          status: 400,
          shows: ['error'],
        },
        {
          name: 'from Swift without an object',
          ask,
          form: { code: '{"source":"swift","swift":{"container":"c"}}', runtime },
          status: 400,
          shows: ['object'],
        },
        {
          name: 'from Swift without Keystone',
          ask,
          form: { code: '{"source":"swift","swift":{"container":"c","object":"o"}}', runtime },
          status: 400,
          shows: ['Keystone'],
        },
        { name: 'without a package', ask, form: { code, runtime }, status: 400, shows: ['package'] },
        {
          name: 'with another checksum',
          ask,
          form: { ...form, code: `{"source":"package","md5sum":"${'0'.repeat(32)}"}` },
          status: 400,
          shows: [md5sum],
        },
        {
          name: 'with a checksum that is none',
          ask,
          form: { ...form, code: '{"source":"package","md5sum":"x"}' },
          status: 400,
          shows: ['md5sum'],
        },
        {
          name: 'with what is not a ZIP',
          ask,
          form: { ...form, package: Buffer.from('hello') },
          status: 400,
          shows: ['ZIP'],
        },
        {
          name: 'with a body that is too large',
          ask,
          form: { ...form, package: Buffer.alloc(2_000_000, 'PK') },
          status: 413,
        },
        {
          name: 'from an image without a name',
          ask,
          json: { code: { source: 'image' } },
          status: 400,
          shows: ['image'],
        },
        {
          name: 'from an image with an unknown mode',
          ask,
          json: { code: { ...image, mode: 'tcp' } },
          status: 400,
          shows: ['mode'],
        },
        {
          name: 'from a command image with a port',
          ask,
          json: { code: { ...image, port: 80 } },
          status: 400,
          shows: ['port'],
        },
        {
          name: 'from an image with a port that is none',
          ask,
          json: { code: { ...image, mode: 'http', port: 0 } },
          status: 400,
        },
        {
          name: 'from an environment of Fission with code beside its package',
          ...{ ask, json: { code: { ...image, mode: 'fission', init: { code: 'x' } } } },
          ...{ status: 400, shows: ['the name of its function, such as'] },
        },
        {
          name: 'from an http image with data for an environment',
          ...{ ask, json: { code: { ...image, mode: 'http', init: { main: 'a.b' } } } },
          ...{ status: 400, shows: ['openwhisk', 'fission'] },
        },
        {
          name: 'from a command image that wants warm workers',
          ask,
          json: { code: image, min_workers: 1 },
          status: 400,
        },
        { name: 'from an image with a signature', ask, json: { code: image, signature: 'http' }, status: 400 },
        {
          name: 'from a file in a folder',
          ask,
          json: { ...json, code: { ...inline, filename: '../main.py' } },
          status: 400,
          shows: ['filename'],
        },
        {
          name: 'with more keys in its code than are kept',
          ask,
          json: { code: { ...image, more: 'x'.repeat(9000) } },
          status: 400,
          shows: ['8192'],
        },
        {
          name: 'from an empty file',
          ask,
          json: { ...json, code: { ...inline, content: '' } },
          status: 400,
          shows: ['content'],
        },
        {
          name: 'with a key that no function has',
          ask,
          json: { ...json, colour: 'red' },
          status: 400,
          shows: ['colour'],
        },
        { name: 'with a read-only key', ask, json: { ...json, count: 3 }, status: 400, shows: ['count'] },
        { name: 'with a number as the name', ask, json: { ...json, name: 7 }, status: 400, shows: ['name', 'string'] },
        {
          name: 'with a name that cannot be in an address',
          ask,
          json: { ...json, name: 'a b' },
          status: 400,
          shows: ['name'],
        },
        { name: 'with a name like an id', ask, json: { ...json, name: unknownId }, status: 400, shows: ['id'] },
        { name: 'with a long name', ask, json: { ...json, name: 'x'.repeat(256) }, status: 400, shows: ['255'] },
        { name: 'with a long entry', ask, json: { ...json, entry: 'x'.repeat(81) }, status: 400, shows: ['80'] },
        {
          name: 'with a signature that nobody speaks',
          ask,
          json: { ...json, signature: 'soap' },
          status: 400,
          shows: ['signature'],
        },
        {
          name: 'with an environment that is a list',
          ask,
          json: { ...json, env: ['A=1'] },
          status: 400,
          shows: ['env'],
        },
        { name: 'with an environment of numbers', ask, json: { ...json, env: { A: 1 } }, status: 400, shows: ['env'] },
        {
          name: 'with a variable that has no name',
          ask,
          json: { ...json, env: { 'A B': '1' } },
          status: 400,
          shows: ['A B'],
        },
        {
          name: 'with a variable of ours',
          ask,
          json: { ...json, env: { TAIBAI_SOCKET: '1' } },
          status: 400,
          shows: ['TAIBAI_'],
        },
        {
          name: 'with a large environment',
          ask,
          json: { ...json, env: { A: 'x'.repeat(2000) } },
          status: 400,
          shows: ['1024'],
        },
        {
          name: 'with a concurrency of 0',
          ask,
          json: { ...json, concurrency: 0 },
          status: 400,
          shows: ['concurrency'],
        },
        {
          name: 'with fewer workers at most than at least',
          ask,
          json: { ...json, min_workers: 3, max_workers: 2 },
          status: 400,
          shows: ['max_workers'],
        },
        {
          name: 'with a negative idle time',
          ask,
          json: { ...json, idle_timeout: -1 },
          status: 400,
          shows: ['idle_timeout'],
        },
        {
          name: 'with a cap below the share',
          ask,
          json: { ...json, cpu: 200, cpu_max: 100 },
          status: 400,
          shows: ['cpu_max'],
        },
        {
          name: 'of a runtime with folders to write to',
          ask,
          json: { ...json, writable: ['/var/cache'] },
          status: 400,
          shows: ['writable', '/tmp'],
        },
        ...['/', '/proc/x', '/sys', '/dev/shm', '/tmp', 'var', '/a/../b', '/a//b', '/a/', '/a b', 7, '//a'].map(
          (path) => ({
            name: `with ${JSON.stringify(path)} as a folder to write to`,
            ask,
            json: { code: { source: 'image', image: 'busybox' }, writable: ['/var/cache', path] },
            status: 400,
            shows: ['writable'],
          }),
        ),
        {
          name: 'with a folder to write to that is named twice',
          ask,
          json: { code: { source: 'image', image: 'busybox' }, writable: ['/run', '/run'] },
          status: 400,
          shows: ['twice'],
        },
        {
          name: 'with nine folders to write to',
          ask,
          json: { code: { source: 'image', image: 'busybox' }, writable: [...'abcdefghi'].map((name) => `/${name}`) },
          status: 400,
          shows: ['at most 8'],
        },
        {
          name: 'with a /tmp below 1 MiB',
          ask,
          json: { ...json, tmp_size: 1048575 },
          status: 400,
          shows: ['tmp_size'],
        },
        {
          name: 'with a /tmp that is larger than its memory',
          ask,
          json: { ...json, memory_size: 134217728, tmp_size: 134217729 },
          status: 400,
          shows: ['tmp_size', '134217728', 'memory_size'],
        },
        {
          name: 'with a /tmp that is larger than the memory of an image',
          ask,
          json: { code: { source: 'image', image: 'busybox' }, tmp_size: 67108864 },
          status: 400,
          shows: ['tmp_size'],
        },
        { name: 'with an unknown network', ask, json: { ...json, network: 'host' }, status: 400, shows: ['egress'] },
        { name: 'with a body of another type', ask, body: 'x', headers: { 'Content-Type': 'text/plain' }, status: 415 },
        { name: 'with broken JSON', ask, body: '{', headers: { 'Content-Type': 'application/json' }, status: 400 },
        {
          name: 'with a broken form',
          ask,
          body: 'x',
          headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
          status: 400,
          shows: ['multipart'],
        },
        {
          name: 'as a ZIP with an unknown parameter',
          ask: 'POST /v1/functions?runtime=python3&colour=red',
          body: zip,
          headers: { 'Content-Type': 'application/zip' },
          status: 400,
          shows: ['colour'],
        },
      ],
      prepareRuntimes,
    )

    test('leaves nothing behind', async () => {
      const { app } = prepareRuntimes()
      await app.request('POST', '/v1/functions', {
        form: { ...form, code: `{"source":"package","md5sum":"${'0'.repeat(32)}"}` },
      })
      await app.request('POST', '/v1/functions', { form: { ...form, signature: 'soap' } })
      expect(app.stores.functions.list(null)).toEqual([])
      expect(app.packages.stored.size).toBe(0)
    })

    test('with the name of another function of the project, and only of that', async () => {
      const { app } = await withFunctions()
      const again = { ...form, name: 'hello' }
      expect(await app.request('POST', '/v1/functions', { form: again })).toMatchObject({
        status: 409,
        json: { code: 'conflict' },
      })
      expect(await app.request('POST', '/v1/functions', { form: again, as: 'bob' })).toMatchObject({ status: 201 })
    })
  })

  test('shows every field in the order of the contract, then ours, with the defaults of the contract', async () => {
    const { app, made } = prepareRuntimes()
    const { json } = await app.request('POST', '/v1/functions', { form })
    expect(json).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: null,
      description: null,
      runtime_id: made.own,
      code: { source: 'package', md5sum },
      entry: 'main.main',
      cpu: 100,
      memory_size: 33554432,
      timeout: 5,
      count: 0,
      latest_version: 0,
      project_id: 'red',
      created_at: '2030-01-02T03:04:05Z',
      updated_at: null,
      signature: null,
      env: {},
      secrets: [],
      max_running: null,
      max_rate: null,
      max_gb_seconds_per_day: null,
      sandbox: null,
      placement: {},
      record: 'full',
      concurrency: 1,
      min_workers: 0,
      max_workers: null,
      idle_timeout: null,
      network: 'egress',
      api: false,
      cpu_max: null,
      access: 'token',
      cors: null,
      hosts: [],
      writable: [],
      tmp_size: null,
      retries: null,
      on_success: null,
      on_failure: null,
    })
    expect(Object.keys(json).join(' ')).toBe(
      'id name description runtime_id code entry cpu memory_size timeout count latest_version project_id created_at updated_at signature env secrets max_running max_rate max_gb_seconds_per_day sandbox placement record concurrency min_workers max_workers idle_timeout network api cpu_max access cors hosts writable tmp_size retries on_success on_failure',
    )
  })

  testRows(
    [
      {
        name: 'takes a form with a package and the right checksum',
        ask,
        form: { ...form, code: JSON.stringify({ source: 'package', md5sum: md5sum.toUpperCase(), by: 'me' }) },
        status: 201,
        has: { code: { source: 'package', md5sum, by: 'me' } },
      },
      {
        name: 'ignores keys of forms that it does not know',
        ask,
        form: { ...form, source: 'package', swift: 'container' },
        status: 201,
      },
      { name: 'takes code as a string of JSON', ask, json: { ...json, code: JSON.stringify(inline) }, status: 201 },
      {
        name: 'takes null for every optional field',
        ask,
        json: {
          ...json,
          name: null,
          description: null,
          runtime_id: null,
          entry: null,
          cpu: null,
          memory_size: null,
          timeout: null,
          env: null,
          signature: null,
          min_workers: null,
          max_workers: null,
          concurrency: null,
          idle_timeout: null,
          network: null,
          cpu_max: null,
        },
        status: 201,
        has: { name: null, cpu: 100, network: 'egress' },
      },
      {
        name: 'takes numbers in strings',
        ask,
        json: { ...json, cpu: '200', timeout: '7', concurrency: '2' },
        status: 201,
        has: { cpu: 200, timeout: 7, concurrency: 2 },
      },
      {
        name: 'stores a single file as a package',
        ask,
        json: { ...json, code: inline },
        status: 201,
        hides: ['inline', 'filename'],
        has: { code: { source: 'package' }, entry: 'main.main' },
      },
      {
        name: 'finds the entry in the single file',
        ask,
        json: { ...json, code: { ...inline, filename: 'hello.mjs' } },
        status: 201,
        has: { entry: 'hello.main' },
      },
      {
        name: 'leaves a given entry as it is',
        ask,
        json: { ...json, code: { ...inline, filename: 'hello.mjs' }, entry: 'hello.run' },
        status: 201,
        has: { entry: 'hello.run' },
      },
      {
        name: 'takes a bare ZIP with the fields in the query',
        ask: 'POST /v1/functions?name=zipped&runtime=python3&entry=a.b&env=%7B%22A%22%3A%22b%22%7D',
        body: zip,
        headers: { 'Content-Type': 'application/zip' },
        status: 201,
        has: { name: 'zipped', entry: 'a.b', env: { A: 'b' }, code: { md5sum } },
      },
      {
        name: 'takes an image without a runtime, and drops its entry',
        ask,
        json: { code: image, entry: 'a.b' },
        status: 201,
        has: { code: image, entry: null, runtime_id: null },
      },
      {
        name: 'does not check the runtime of an image',
        ask,
        form: { code: JSON.stringify(image), runtime_id: unknownId },
        status: 201,
        has: { runtime_id: unknownId },
      },
      {
        name: 'takes an HTTP image with a port',
        ask,
        json: { code: { ...image, mode: 'http', port: 8000 }, min_workers: 1 },
        status: 201,
        has: { code: { mode: 'http', port: 8000 } },
      },
      {
        name: 'takes all our fields',
        ask,
        json: {
          ...json,
          name: 'all',
          signature: 'http',
          env: { A: 'b' },
          concurrency: 8,
          min_workers: 1,
          max_workers: 4,
          idle_timeout: 60,
          network: 'none',
          cpu_max: 500,
        },
        status: 201,
        has: {
          signature: 'http',
          env: { A: 'b' },
          concurrency: 8,
          min_workers: 1,
          max_workers: 4,
          idle_timeout: 60,
          network: 'none',
          cpu_max: 500,
        },
      },
    ],
    prepareRuntimes,
  )

  test('a runtime name refers to the project’s own runtime first', async () => {
    const { app, made } = prepareRuntimes()
    const own = await app.request('POST', '/v1/functions', { json })
    const shared = await app.request('POST', '/v1/functions', { json, as: 'admin' })
    expect([own.json.runtime_id, shared.json.runtime_id]).toEqual([made.own, made.shared])
  })

  test('asks the pool for the minimum workers of the function', async () => {
    const { app } = prepareRuntimes()
    const { json: fn } = await app.request('POST', '/v1/functions', { json: { ...json, min_workers: 2 } })
    expect(app.pool.asked).toEqual([`keep ${fn.id} 2`])
  })

  test.each([
    [5, undefined, 5],
    [5, 'qinling', 5],
    [5, 'openwhisk', 60],
    [5, 'kubeless', 180],
    [120, 'openwhisk', 120],
    [120, 'kubeless', 180],
    [120, 'event', 120],
  ])(
    'with a default timeout of %i s and the signature %s may take %i s',
    async (timeoutDefaultSeconds, signature, s) => {
      const app = makeTestApp({ timeoutDefaultSeconds })
      app.stores.runtimes.insert(aRuntime({ name: 'python3', projectId: 'red' }))
      const { json: fn } = await app.request('POST', '/v1/functions', { json: { ...json, signature } })
      expect(fn.timeout).toBe(s)
      const said = await app.request('POST', '/v1/functions', { json: { ...json, signature, timeout: 7 } })
      expect(said.json.timeout).toBe(7)
    },
  )

  test('keeps its timeout when its signature is changed', async () => {
    const { app } = prepareRuntimes()
    const { json: fn } = await app.request('POST', '/v1/functions', { json })
    const changed = await app.request('PUT', `/v1/functions/${fn.id}`, { json: { signature: 'openwhisk' } })
    expect(changed.json).toMatchObject({ signature: 'openwhisk', timeout: 5 })
  })

  test('works for everybody in open mode, in the project default', async () => {
    const app = makeTestApp({ auth: 'none' })
    app.stores.runtimes.insert(aRuntime({ name: 'python3' }))
    const { status, json: fn } = await app.request('POST', '/v1/functions', { as: 'stranger', form })
    expect({ status, project: fn.project_id }).toEqual({ status: 201, project: 'default' })
  })
})

describe('reading functions', () => {
  function prepare() {
    const app = makeTestApp()
    const red = aFn({ projectId: 'red', name: 'red-one' })
    const blue = aFn({ projectId: 'blue', name: 'blue-one' })
    const ops = aFn({ projectId: 'ops', name: 'ops-one' })
    for (const fn of [red, blue, ops]) app.stores.functions.insert(fn)
    return { app, made: { red: red.id, blue: blue.id, ops: ops.id } }
  }

  testRows(
    [
      { name: 'needs a token', ask: 'GET /v1/functions', as: 'nobody', status: 401 },
      {
        name: 'refuses a parameter that is not a filter',
        ask: 'GET /v1/functions?name=red-one',
        status: 400,
        shows: ['name'],
      },
      { name: 'refuses sort_keys', ask: 'GET /v1/functions?sort_keys=name', status: 400 },
      {
        name: 'refuses all projects to members',
        ask: 'GET /v1/functions?all_projects=true',
        status: 403,
        shows: ['Operation not allowed'],
      },
      {
        name: 'refuses all_projects that is not a boolean',
        ask: 'GET /v1/functions?all_projects=perhaps',
        as: 'admin',
        status: 400,
        shows: ['all_projects'],
      },
      {
        name: 'takes a false all_projects as absent',
        ask: 'GET /v1/functions?all_projects=false',
        status: 200,
        shows: ['red-one'],
        hides: ['blue-one'],
      },
      {
        name: 'lists what the project has',
        ask: 'GET /v1/functions',
        status: 200,
        shows: ['red-one'],
        hides: ['blue-one', 'ops-one'],
      },
      {
        name: 'lists only the own project to admins',
        ask: 'GET /v1/functions',
        as: 'admin',
        status: 200,
        shows: ['ops-one'],
        hides: ['blue-one'],
      },
      {
        name: 'lists all projects to admins who ask',
        ask: 'GET /v1/functions?all_projects=1',
        as: 'admin',
        status: 200,
        shows: ['red-one', 'blue-one', 'ops-one'],
      },
      {
        name: 'lists one project to admins',
        ask: 'GET /v1/functions?project_id=blue',
        as: 'admin',
        status: 200,
        shows: ['blue-one'],
        hides: ['red-one'],
      },
      {
        name: 'lists all projects but one',
        ask: 'GET /v1/functions?project_id=neq:blue',
        as: 'admin',
        status: 200,
        shows: ['red-one', 'ops-one'],
        hides: ['blue-one'],
      },
      {
        name: 'ignores project_id of members',
        ask: 'GET /v1/functions?project_id=blue',
        status: 200,
        shows: ['red-one'],
        hides: ['blue-one'],
      },
      {
        name: 'gives an empty list for a project that there is not',
        ask: 'GET /v1/functions?project_id=green',
        as: 'admin',
        status: 200,
        has: { functions: [] },
      },
      {
        name: 'shows code as a string in lists',
        ask: 'GET /v1/functions',
        status: 200,
        shows: ['"code":"{\\"source\\"'],
      },
      {
        name: 'shows code as an object',
        ask: ({ red }) => `GET /v1/functions/${red}`,
        status: 200,
        shows: ['"code":{"source"'],
      },
      { name: 'shows by name', ask: 'GET /v1/functions/red-one', status: 200, has: { name: 'red-one' } },
      { name: 'ignores unknown parameters of show', ask: 'GET /v1/functions/red-one?colour=red', status: 200 },
      { name: "does not know another project's function", ask: ({ blue }) => `GET /v1/functions/${blue}`, status: 404 },
      { name: "does not know another project's name", ask: 'GET /v1/functions/blue-one', status: 404 },
      {
        name: 'shows any project to admins, by id',
        ask: ({ blue }) => `GET /v1/functions/${blue}`,
        as: 'admin',
        status: 200,
      },
      { name: 'answers 404 to what is not an id', ask: 'GET /v1/functions/not-an-id', status: 404 },
      { name: 'does not know an unknown id', ask: `GET /v1/functions/${unknownId}`, status: 404 },
      {
        name: 'has pages',
        ask: ({ red }) => `GET /v1/functions?all_projects=yes&marker=${red}&limit=1`,
        as: 'admin',
        status: 200,
        shows: ['blue-one'],
        hides: ['red-one', 'ops-one'],
      },
    ],
    prepare,
  )

  test('refuses wrong verbs with the right ones', async () => {
    const { app } = prepare()
    const patch = await app.request('PATCH', '/v1/functions/red-one', { json: {} })
    const head = await app.request('HEAD', '/v1/functions')
    expect([patch.status, patch.headers.get('Allow')]).toEqual([405, 'DELETE, GET, PUT'])
    expect([head.status, head.headers.get('Allow')]).toEqual([405, 'GET, POST'])
  })

  test('counts executions of the current version, which also move updated_at', async () => {
    const { app, made } = prepare()
    app.clock.advance(60_000)
    app.ledger.open(anExecution({ functionId: made.red, createdAt: app.clock.now() }))
    app.ledger.open(anExecution({ functionId: made.red, functionVersion: 1, createdAt: app.clock.now() + 60_000 }))
    const { json } = await app.request('GET', `/v1/functions/${made.red}`)
    expect(json).toMatchObject({ count: 1, updated_at: '2030-01-02T03:05:05Z' })
  })
})

describe('downloading a package', () => {
  test('gives the uploaded bytes, whatever the caller accepts', async () => {
    const { app, made } = await withFunctions()
    for (const yes of ['1', 't', 'TRUE', 'on', 'Y', 'yes']) {
      const headers = { Accept: 'application/json', 'Accept-Encoding': 'gzip' }
      const answer = await app.request('GET', `/v1/functions/${made.fn}?download=${yes}`, { headers })
      expect(answer.bytes.equals(zip)).toBe(true)
      expect(Object.fromEntries(answer.headers)).toEqual({
        'content-type': 'application/zip',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'content-disposition': `attachment; filename="${made.fn}"`,
        'content-length': String(zip.length),
      })
    }
  })

  test('shows the function for every other value', async () => {
    const { app, made } = await withFunctions()
    const answer = await app.request('GET', `/v1/functions/${made.fn}?download=no`)
    expect(answer.json.id).toBe(made.fn)
  })

  test('is refused to other projects, possible for admins', async () => {
    const { app, made } = await withFunctions()
    const path = `/v1/functions/${made.fn}?download=true`
    const statuses = await Promise.all(
      (['bob', 'nobody', 'admin'] as const).map((as) => app.request('GET', path, { as })),
    )
    expect(statuses.map(({ status }) => status)).toEqual([404, 401, 200])
  })

  test('is a wrong verb for an image, and is not found when the package is lost', async () => {
    const { app, made } = await withFunctions()
    const image = await app.request('GET', `/v1/functions/${made.image}?download=true`)
    expect([image.status, image.json.code]).toEqual([405, 'method_not_allowed'])
    expect(image.headers.get('Allow')).toBe('DELETE, GET, PUT')
    app.packages.stored.clear()
    expect(await app.request('GET', `/v1/functions/${made.fn}?download=true`)).toMatchObject({ status: 404 })
  })
})

describe('changing a function', () => {
  const put = (app: TestApp, id: string, asked: Parameters<TestApp['request']>[2]) =>
    app.request('PUT', `/v1/functions/${id}`, asked)

  test.each([
    ['a timeout of 0', { timeout: 0 }, 'timeout'],
    ['a cpu over the limit', { cpu: 2001 }, 'cpu'],
    ['a memory size that is not a number', { memory_size: 'much' }, 'memory_size'],
    ['code that is not JSON', { code: '{' }, 'code'],
    ['another source', { code: { source: 'image', image: 'a' } }, 'source'],
    ['the source Swift', { code: { source: 'swift', swift: { container: 'c', object: 'o' } } }, 'source'],
    ['a name with a space', { name: 'a b' }, 'name'],
    ['more workers at least than at most', { min_workers: 2, max_workers: 1 }, 'max_workers'],
    ['an array', [], 'object'],
  ])('refuses %s', async (_what, json, text) => {
    const { app, made } = await withFunctions()
    const answer = await put(app, made.fn, { json })
    expect(answer).toMatchObject({ status: 400 })
    expect(answer.json.faultstring).toContain(text)
    expect(app.stores.functions.find(made.fn)?.updatedAt).toBeNull()
  })

  test('refuses strangers, and does not know other projects', async () => {
    const { app, made } = await withFunctions()
    const asked = (['nobody', 'stranger', 'bob'] as const).map((as) => put(app, made.fn, { as, json: { timeout: 9 } }))
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([401, 401, 404])
  })

  test('is allowed to admins in any project', async () => {
    const { app, made } = await withFunctions()
    const answer = await put(app, made.fn, { as: 'admin', form: { code: packageCode, package: otherZip } })
    expect(answer).toMatchObject({ status: 200, json: { project_id: 'red', code: { md5sum: md5(otherZip) } } })
  })

  test('without anything changes nothing', async () => {
    const { app, made } = await withFunctions()
    const nulls = {
      name: null,
      code: null,
      cpu: null,
      timeout: null,
      id: 'x',
      runtime_id: made.shared,
      count: 9,
      colour: 1,
    }
    for (const json of [{}, nulls, { timeout: 5 }]) {
      const answer = await put(app, made.fn, { json })
      expect(answer).toMatchObject({ status: 200, json: { updated_at: null, name: 'hello', runtime_id: made.own } })
    }
    expect(app.pool.asked).toEqual([])
  })

  test('keeps the workers for name, description and timeout, also while a job is unfinished', async () => {
    const { app, made } = await withFunctions()
    app.stores.jobs.insert(aJob({ projectId: 'red', functionId: made.fn }))
    const answer = await put(app, made.fn, { form: { name: 'renamed', description: 'd', timeout: '9' } })
    expect(answer).toMatchObject({ status: 200, json: { name: 'renamed', description: 'd', timeout: 9 } })
    expect(answer.json.updated_at).toBe('2030-01-02T03:04:05Z')
    expect(app.pool.asked).toEqual([])
    expect(app.targets.byName({ projectId: 'red', roles: [], isAdmin: false }, 'renamed').revision.timeoutMs).toBe(9000)
  })

  test.each([
    ['cpu', { cpu: 200 }],
    ['memory_size', { memory_size: 67108864 }],
    ['entry', { entry: 'main.other' }],
    ['env', { env: { A: 'b' } }],
    ['signature', { signature: 'http' }],
    ['concurrency', { concurrency: 3 }],
    ['network', { network: 'none' }],
    ['cpu_max', { cpu_max: 300 }],
  ])('of %s drops all workers, and is refused while a job is unfinished', async (_what, json) => {
    const { app, made } = await withFunctions()
    expect(await put(app, made.fn, { json })).toMatchObject({ status: 200, json })
    expect(app.pool.asked).toEqual([`retire ${made.fn} all new_code`])
    const job = aJob({ projectId: 'red', functionId: made.fn, status: 'paused' })
    app.stores.jobs.insert(job)
    expect(await put(app, made.fn, { json })).toMatchObject({ status: 403, json: { code: 'in_use' } })
    app.stores.jobs.update({ ...job, status: 'done' })
    expect(await put(app, made.fn, { json })).toMatchObject({ status: 200 })
  })

  test('keeps unfinished jobs with keep_jobs, which accepts only yes or no', async () => {
    const { app, made } = await withFunctions()
    app.stores.jobs.insert(aJob({ projectId: 'red', functionId: made.fn, status: 'running' }))
    const change = (query: string) => app.request('PUT', `/v1/functions/${made.fn}${query}`, { json: { cpu: 300 } })
    expect(await change('?keep_jobs=perhaps')).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
    expect(await change('?keep_jobs=false')).toMatchObject({ status: 403 })
    expect(await change('?keep_jobs=true')).toMatchObject({ status: 200, json: { cpu: 300 } })
    expect(app.pool.asked).toEqual([`retire ${made.fn} all new_code`])
  })

  test('reports changed worker limits to the pool', async () => {
    const { app, made } = await withFunctions()
    await put(app, made.fn, { json: { min_workers: 2, max_workers: 4 } })
    await put(app, made.fn, { json: { max_workers: null, idle_timeout: 5 } })
    const { json } = await put(app, made.fn, { json: { min_workers: 0, idle_timeout: null } })
    expect(app.pool.asked).toEqual([`keep ${made.fn} 2`, `keep ${made.fn} 2`, `keep ${made.fn} 0`])
    expect(json).toMatchObject({ min_workers: 0, max_workers: null, idle_timeout: null })
  })

  test('drops the workers of the current version for a new package, as the CLI sends it', async () => {
    const { app, made } = await withFunctions()
    const answer = await put(app, made.fn, { form: { source: 'package', package: otherZip } })
    expect(answer).toMatchObject({ status: 200, json: { code: { source: 'package', md5sum: md5(otherZip) } } })
    expect(app.pool.asked).toEqual([`retire ${made.fn} 0 new_code`])
    const { bytes } = await app.request('GET', `/v1/functions/${made.fn}?download=1`)
    expect(bytes.equals(otherZip)).toBe(true)
  })

  test('takes the package as a bare ZIP, or as a single file, whose entry follows', async () => {
    const { app, made } = await withFunctions()
    const headers = { 'Content-Type': 'application/zip' }
    expect((await put(app, made.fn, { body: otherZip, headers })).json.code.md5sum).toBe(md5(otherZip))
    const code = { source: 'inline', filename: 'other.py', content: 'def main(e, c): pass' }
    expect(await put(app, made.fn, { json: { code } })).toMatchObject({ status: 200, json: { entry: 'other.main' } })
  })

  test.each([
    ['the stored checksum', md5sum, zip, 'nothing to update'],
    ['the stored checksum and other bytes', md5sum, otherZip, 'nothing to update'],
    ['another checksum', '0'.repeat(32), otherZip, 'checksum'],
    ['what is not a ZIP', md5(Buffer.from('hello')), Buffer.from('hello'), 'ZIP'],
  ])('refuses a package with %s', async (_what, sum, bytes, text) => {
    const { app, made } = await withFunctions()
    const form = { code: JSON.stringify({ source: 'package', md5sum: sum }), package: bytes }
    const answer = await put(app, made.fn, { form })
    expect(answer.status).toBe(400)
    expect(answer.json.faultstring).toContain(text)
  })

  test('with the same package and no checksum changes nothing', async () => {
    const { app, made } = await withFunctions()
    const answer = await put(app, made.fn, { form: { package: zip } })
    expect(answer).toMatchObject({ status: 200, json: { updated_at: null, code: { md5sum } } })
    expect(app.pool.asked).toEqual([])
  })

  test('with code and no package keeps the checksum', async () => {
    const { app, made } = await withFunctions()
    const answer = await put(app, made.fn, { form: { code: packageCode } })
    expect(answer).toMatchObject({ status: 200, json: { updated_at: null, code: { source: 'package', md5sum } } })
  })

  test('takes only light fields and the bounds on workers for an image function', async () => {
    const { app, made } = await withFunctions()
    const refused = [
      { code: { source: 'image', image: 'b' } },
      { cpu: 200 },
      { entry: 'a.b' },
      { memory_size: 67108864 },
    ]
    for (const json of refused) expect(await put(app, made.image, { json })).toMatchObject({ status: 400 })
    for (const json of [{ timeout: 9, name: 'other' }, { env: { A: 'b' } }]) {
      expect(await put(app, made.image, { json })).toMatchObject({ status: 200, json })
    }
  })

  describe('with "image"', () => {
    test('names another image, or tag, of an image function; mode and port stay, and its workers go', async () => {
      const { app, made } = await withFunctions()
      const before = (await app.request('GET', `/v1/functions/${made.image}`)).json.code
      const answer = await put(app, made.image, { json: { image: 'registry.example.org/box:2', timeout: 7 } })
      const code = { ...before, image: 'registry.example.org/box:2' }
      expect(answer).toMatchObject({ status: 200, json: { code, timeout: 7 } })
      expect(app.pool.asked).toContain(`retire ${made.image} 0 new_code`)
      expect(app.targets.resolveIn('red', { functionId: made.image }).revision.image).toBe('registry.example.org/box:2')
    })

    test('that it is already changes nothing', async () => {
      const { app, made } = await withFunctions()
      const { image } = (await app.request('GET', `/v1/functions/${made.image}`)).json.code
      expect(await put(app, made.image, { json: { image } })).toMatchObject({ status: 200, json: { updated_at: null } })
      expect(app.pool.asked).toEqual([])
    })

    test.each([
      ['of a function of code', 'fn', 'box:2', /made of code/],
      ['that is none', 'image', '..%2f127.0.0.1:9%2fx', /name of a container image/],
    ] as const)('%s is refused', async (_what, which, image, says) => {
      const { app, made } = await withFunctions()
      const { status, json } = await put(app, made[which], { json: { image } })
      expect({ status, says: json.faultstring }).toEqual({ status: 400, says: expect.stringMatching(says) })
    })
  })

  test('to the name of another function is a conflict', async () => {
    const { app, made } = await withFunctions()
    expect(await put(app, made.fn, { json: { name: 'box' } })).toMatchObject({ status: 409 })
    expect(await put(app, 'hello', { json: { name: 'hello' } })).toMatchObject({ status: 200 })
  })
})

describe('a deployment with check=load', () => {
  const json = { code: { source: 'inline', filename: 'main.py', content: 'x = 1' }, runtime: 'python3', name: 'tried' }
  const post = (app: TestApp, query: string, asked: Parameters<TestApp['request']>[2]) =>
    app.request('POST', `/v1/functions?${query}`, asked)

  test('refuses checks other than load', async () => {
    const { app } = prepareRuntimes()
    const answer = await post(app, 'check=everything', { json })
    expect(answer).toMatchObject({ status: 400, json: { faultstring: '"check" must be load, not "everything".' } })
  })

  test('refuses code that does not load, with the error and its output, and stores nothing', async () => {
    const { app } = prepareRuntimes()
    app.pool.breakCode()
    const faultstring = 'Nothing was changed: the code could not be loaded: SyntaxError: broken\nIt printed:\nloading'
    expect(await post(app, 'check=load', { json })).toMatchObject({ status: 400, json: { faultstring } })
    expect(await app.request('GET', '/v1/functions/tried')).toMatchObject({ status: 404 })
  })

  test('refuses new code that does not load, and the function stays as it was, with its workers', async () => {
    const { app, made } = await withFunctions()
    app.pool.breakCode()
    const ask = `/v1/functions/${made.fn}?check=load`
    const refused = await app.request('PUT', ask, { form: { package: otherZip } })
    expect(refused).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
    expect(app.stores.functions.find(made.fn)).toMatchObject({ updatedAt: null, code: { md5sum } })
    expect(app.pool.asked).toEqual([`discard ${made.fn}`])
  })

  test('refuses images, which load nothing', async () => {
    const { app, made } = await withFunctions()
    const image = { json: { code: { source: 'image', image: 'busybox' } } }
    expect(await post(app, 'check=load', image)).toMatchObject({ status: 400 })
    const change = { json: { timeout: 9 } }
    expect(await app.request('PUT', `/v1/functions/${made.image}?check=load`, change)).toMatchObject({ status: 400 })
  })

  test('says that there is no worker when there is none, and changes nothing', async () => {
    const { app, made } = await withFunctions()
    app.pool.refusal = new FaasError('no_worker', 'No worker came free.')
    const ask = `/v1/functions/${made.fn}?check=load`
    expect(await app.request('PUT', ask, { json: { env: { A: 'b' } } })).toMatchObject({ status: 503 })
    expect(app.stores.functions.find(made.fn)?.updatedAt).toBeNull()
  })

  test('deploys code that loads, in every format, and its worker serves the next call', async () => {
    const { app, made } = await withFunctions()
    expect(await post(app, 'check=load', { json })).toMatchObject({ status: 201, json: { name: 'tried' } })
    const zipped = { body: zip, headers: { 'Content-Type': 'application/zip' } }
    expect(await post(app, 'check=load&name=zipped&runtime=python3', zipped)).toMatchObject({ status: 201 })
    const ask = `/v1/functions/${made.fn}?check=load`
    const changed = await app.request('PUT', ask, { ...zipped, body: otherZip })
    expect(changed).toMatchObject({ status: 200, json: { code: { md5sum: md5(otherZip) } } })
    expect(app.pool.leased).toBe(0)
    expect(app.pool.asked).toEqual([`retire ${made.fn} 0 new_code but the next`])
  })

  test('keeps no worker of a trial without a deployment', async () => {
    const { app, made } = await withFunctions()
    app.stores.functions.update = () => {
      throw new Error('the disk is full')
    }
    const ask = `/v1/functions/${made.fn}?check=load`
    expect(await app.request('PUT', ask, { json: { env: { A: 'b' } } })).toMatchObject({ status: 500 })
    expect(app.pool.asked).toEqual([`discard ${made.fn}`])
  })

  test('keeps no worker of a trial whose function became another one meanwhile', async () => {
    const { app, made } = await withFunctions()
    const letLoad = holdLoads(app)
    const deployed = app.request('PUT', `/v1/functions/${made.fn}?check=load`, { form: { package: otherZip } })
    await letLoad.held
    expect(await app.request('PUT', `/v1/functions/${made.fn}`, { json: { env: { A: 'b' } } })).toMatchObject({
      status: 200,
    })
    letLoad.go()
    expect(await deployed).toMatchObject({ status: 200, json: { env: { A: 'b' } } })
    expect(app.pool.asked.at(-1)).toBe(`discard ${made.fn}`)
  })

  test('keeps the worker when another deployment of the same code was first', async () => {
    const { app, made } = await withFunctions()
    const letLoad = holdLoads(app)
    const ask = `/v1/functions/${made.fn}`
    const overtaken = app.request('PUT', `${ask}?check=load`, { form: { package: otherZip } })
    await letLoad.held
    expect(await app.request('PUT', ask, { form: { package: otherZip } })).toMatchObject({ status: 200 })
    letLoad.go()
    expect(await overtaken).toMatchObject({ status: 409 })
    expect(app.pool.asked).toEqual([`retire ${made.fn} 0 new_code`])
  })

  test('that fails leaves the workers alone when its code was deployed meanwhile', async () => {
    const { app, made } = await withFunctions()
    const letLoad = holdLoads(app)
    const ask = `/v1/functions/${made.fn}`
    const failing = app.request('PUT', `${ask}?check=load`, { form: { package: otherZip } })
    await letLoad.held
    expect(await app.request('PUT', ask, { form: { package: otherZip } })).toMatchObject({ status: 200 })
    app.pool.refusal = new FaasError('no_worker', 'No worker came free.')
    letLoad.go()
    expect(await failing).toMatchObject({ status: 503 })
    expect(app.pool.asked).toEqual([`retire ${made.fn} 0 new_code`])
  })

  test('that fails leaves the worker of another trial of the same code alone, and the last one ends it', async () => {
    const { app, made } = await withFunctions()
    const letLoad = holdLoads(app)
    const ask = `/v1/functions/${made.fn}?check=load`
    const first = app.request('PUT', ask, { form: { package: otherZip } })
    await letLoad.held
    const acquire = app.pool.acquire
    app.pool.acquire = async () => {
      throw new FaasError('no_worker', 'No worker came free.')
    }
    expect(await app.request('PUT', ask, { form: { package: otherZip } })).toMatchObject({ status: 503 })
    expect(app.pool.asked).toEqual([])
    app.pool.acquire = acquire
    app.pool.breakCode()
    letLoad.go()
    expect(await first).toMatchObject({ status: 400 })
    expect(app.pool.asked).toEqual([`discard ${made.fn}`])
  })

  test('loads already deployed code in a separate worker, which is removed', async () => {
    const { app, made } = await withFunctions()
    const ask = `/v1/functions/${made.fn}?check=load`
    expect(await app.request('PUT', ask, { json: { timeout: 9 } })).toMatchObject({ status: 200 })
    expect(app.pool.asked).toEqual([expect.stringMatching(/^discard /)])
    expect(app.pool.asked).not.toContain(`discard ${made.fn}`)
  })
})

/** Holds what loads from now on, until `go`; `held` resolves when the first is held. */
function holdLoads({ pool }: TestApp) {
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const acquire = pool.acquire.bind(pool)
  pool.acquire = async (revision) => {
    begun.resolve()
    await end.promise
    return acquire(revision)
  }
  return { held: begun.promise, go: () => end.resolve() }
}

describe('removing a function', () => {
  const remove = (app: TestApp, id: string, as: 'alice' | 'bob' | 'admin' | 'nobody' = 'alice') =>
    app.request('DELETE', `/v1/functions/${id}`, { as })

  test('is refused to strangers and to admins of other projects', async () => {
    const { app, made } = await withFunctions()
    const answers = await Promise.all((['nobody', 'bob', 'admin'] as const).map((as) => remove(app, made.fn, as)))
    expect(answers.map(({ status }) => status)).toEqual([401, 404, 403])
    expect(answers[2]?.json.faultstring).toContain('Operation not allowed')
  })

  test('answers 400 for a value that is neither id nor name, and 404 for an unknown id', async () => {
    const { app } = await withFunctions()
    expect((await remove(app, 'nothing')).status).toBe(400)
    expect((await remove(app, unknownId)).status).toBe(404)
  })

  test('is refused while jobs, webhooks, aliases need it, in that order', async () => {
    const { app, made } = await withFunctions()
    const { jobs, webhooks, aliases } = app.stores
    const of = { projectId: 'red', functionId: made.fn }
    const [job, webhook, alias] = [aJob(of), aWebhook(of), anAlias(of)]
    jobs.insert(job)
    webhooks.insert(webhook)
    aliases.insert(alias)
    const why = async () => (await remove(app, made.fn, 'admin')).json
    expect(await why()).toMatchObject({ code: 'in_use', faultstring: expect.stringContaining('jobs') })
    jobs.update({ ...job, status: 'cancelled' })
    expect((await why()).faultstring).toContain('webhooks')
    webhooks.delete(webhook.id)
    expect((await why()).faultstring).toContain('aliases')
    aliases.delete(alias.id)
    expect((await why()).faultstring).toContain('its own project')
    expect((await remove(app, made.fn)).status).toBe(204)
    expect(jobs.find(job.id)).toBeNull()
  })

  test('by name removes its workers and keeps its executions', async () => {
    const { app, made } = await withFunctions()
    app.ledger.open(anExecution({ functionId: made.fn }))
    const answer = await remove(app, 'hello')
    expect([answer.status, answer.text, answer.headers.get('Content-Type')]).toEqual([204, '', null])
    expect(app.pool.asked).toEqual([`retire ${made.fn} all new_code`])
    expect(app.ledger.rows.size).toBe(1)
    expect((await app.request('GET', '/v1/functions/hello')).status).toBe(404)
  })
})
