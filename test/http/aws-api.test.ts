/** The API of AWS Lambda: refusals first, then what each operation answers. */
import { beforeEach, describe, expect, test } from 'vitest'
import { aRuntime } from '../support/builders.ts'
import { makeTestApp, type TestApp, type TestRequest } from '../support/test-app.ts'

let app: TestApp
beforeEach(() => {
  app = makeTestApp()
  app.stores.runtimes.insert(aRuntime({ name: 'nodejs', isPublic: true }))
})

const all = '/2015-03-31/functions'
const zip = Buffer.from('PK-not-really').toString('base64')
const base = {
  FunctionName: 'shop',
  Runtime: 'nodejs20.x',
  Handler: 'index.handler',
  Role: 'arn:aws:iam::000000000000:role/x',
  Code: { ZipFile: zip },
}

const create = (more: object = {}, asked: TestRequest = {}) =>
  app.request('POST', all, { json: { ...base, ...more }, ...asked })
const errorOf = ({ status, headers, json }: Awaited<ReturnType<typeof create>>) => [
  status,
  headers.get('x-amzn-errortype'),
  json?.message,
]

describe('is refused:', () => {
  test.each<[string, TestRequest, string]>([
    ['nobody', { as: 'nobody' }, 'MissingAuthenticationTokenException'],
    ['an unknown token', { as: 'stranger' }, 'UnrecognizedClientException'],
    [
      'an unknown access key',
      {
        as: 'nobody',
        headers: {
          authorization:
            'AWS4-HMAC-SHA256 Credential=TBAKNOBODY/20261130/eu-central-1/lambda/aws4_request, SignedHeaders=host, Signature=0',
        },
      },
      'UnrecognizedClientException',
    ],
    ['another scheme', { as: 'nobody', headers: { authorization: 'Basic abc' } }, 'InvalidSignatureException'],
  ])('%s', async (_who, asked, type) => {
    const answer = await app.request('GET', `${all}/`, asked)
    expect([answer.status, answer.headers.get('x-amzn-errortype'), answer.json.Type]).toEqual([403, type, 'User'])
    expect(answer.headers.get('x-amzn-requestid')).toBeTruthy()
  })

  test('a signature in the query', async () => {
    const answer = await app.request('GET', `${all}/?X-Amz-Signature=00`, { as: 'nobody' })
    expect(errorOf(answer)).toEqual([403, 'InvalidSignatureException', expect.stringMatching(/query/)])
  })

  test('an unsupported operation', async () => {
    expect(errorOf(await app.request('POST', '/2015-03-31/event-source-mappings/', { json: {} }))).toEqual([
      404,
      'UnknownOperationException',
      expect.stringMatching(/not supported/),
    ])
  })

  const wrong: [string, object, number, string, RegExp][] = [
    ['no name', { FunctionName: undefined }, 400, 'InvalidParameterValueException', /FunctionName/],
    ['a bad name', { FunctionName: 'a b' }, 400, 'ValidationException', /FunctionName/],
    ['no runtime', { Runtime: undefined }, 400, 'InvalidParameterValueException', /Runtime/],
    ['no handler', { Handler: undefined }, 400, 'InvalidParameterValueException', /Handler/],
    ['an empty handler', { Handler: '' }, 400, 'InvalidParameterValueException', /Handler/],
    ['a long name', { FunctionName: 'x'.repeat(65) }, 400, 'ValidationException', /64/],
    ['two architectures', { Architectures: ['x86_64', 'arm64'] }, 400, 'InvalidParameterValueException', /Architec/],
    ['a way to trace', { TracingConfig: { Mode: 'Foo' } }, 400, 'InvalidParameterValueException', /TracingConfig.Mode/],
    ['a way to log', { LoggingConfig: { LogFormat: 'XML' } }, 400, 'InvalidParameterValueException', /LogFormat/],
    ['a reserved tag', { Tags: { 'aws:a': 'b' } }, 400, 'InvalidParameterValueException', /aws:a/],
    [
      'tags without end',
      { Tags: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`t${at}`, 'x'])) },
      400,
      'InvalidParameterValueException',
      /50 tags/,
    ],
    ['an unknown runtime', { Runtime: 'ruby3.3' }, 400, 'InvalidParameterValueException', /ruby3.3/],
    ['an image as a package', { Code: { ImageUri: 'x' } }, 400, 'InvalidParameterValueException', /PackageType/],
    ['a package as an image', { PackageType: 'Image' }, 400, 'InvalidParameterValueException', /ZipFile/],
    ['no image', { PackageType: 'Image', Code: {} }, 400, 'InvalidParameterValueException', /ImageUri/],
    [
      'what is not an image',
      { PackageType: 'Image', Code: { ImageUri: 'A b' } },
      400,
      'InvalidParameterValueException',
      /image/,
    ],
    [
      'a version of an image',
      { PackageType: 'Image', Code: { ImageUri: 'x' }, Publish: true },
      400,
      'InvalidParameterValueException',
      /Publish/,
    ],
    [
      'words of an image that are none',
      { PackageType: 'Image', Code: { ImageUri: 'x' }, ImageConfig: { Command: 'a' } },
      400,
      'InvalidParameterValueException',
      /ImageConfig.Command/,
    ],
    ['S3', { Code: { S3Bucket: 'b', S3Key: 'k' } }, 400, 'InvalidParameterValueException', /S3/],
    ['no code', { Code: {} }, 400, 'InvalidParameterValueException', /ZipFile/],
    ['what is not base64', { Code: { ZipFile: '%%' } }, 400, 'InvalidParameterValueException', /base64/],
    ['layers', { Layers: ['arn'] }, 400, 'InvalidParameterValueException', /Layers/],
    ['file systems', { FileSystemConfigs: [{}] }, 400, 'InvalidParameterValueException', /FileSystemConfigs/],
    ['a timeout beyond ours', { Timeout: 900 }, 400, 'InvalidParameterValueException', /timeout/],
    [
      'a reserved variable',
      { Environment: { Variables: { AWS_REGION: 'x' } } },
      400,
      'InvalidParameterValueException',
      /AWS_REGION/,
    ],
  ]
  test.each(wrong)('%s', async (_name, more, status, type, message) => {
    expect(errorOf(await create(more))).toEqual([status, type, expect.stringMatching(message)])
  })

  test('an existing name', async () => {
    await create()
    expect(errorOf(await create())).toEqual([409, 'ResourceConflictException', 'Function already exist: shop'])
  })

  test('an unknown function, by its ARN', async () => {
    expect(errorOf(await app.request('GET', `${all}/nothing`))).toEqual([
      404,
      'ResourceNotFoundException',
      'Function not found: arn:aws:lambda:us-east-1:000000000000:function:nothing',
    ])
  })

  test('a function of another project', async () => {
    await create()
    expect((await app.request('GET', `${all}/shop`, { as: 'bob' })).status).toBe(404)
  })

  test('two qualifiers', async () => {
    await create()
    expect(errorOf(await app.request('GET', `${all}/shop%3A1?Qualifier=2`))).toEqual([
      400,
      'InvalidParameterValueException',
      expect.stringMatching(/qualifier/i),
    ])
  })

  test('a stale revision', async () => {
    await create()
    const change = { json: { Description: 'x', RevisionId: '00000000-0000-0000-0000-000000000000' } }
    expect(errorOf(await app.request('PUT', `${all}/shop/configuration`, change))).toEqual([
      412,
      'PreconditionFailedException',
      expect.stringMatching(/RevisionId/),
    ])
  })

  test.each([
    ['a payload that is no JSON', {}, '{', 400, 'InvalidRequestContentException'],
    ['an unknown way to invoke', { 'X-Amz-Invocation-Type': 'Later' }, '{}', 400, 'InvalidParameterValueException'],
    ['a client context that is no JSON', { 'X-Amz-Client-Context': 'ab' }, '{}', 400, 'InvalidRequestContentException'],
  ])('%s', async (_name, headers, body, status, type) => {
    await create()
    const answer = await app.request('POST', `${all}/shop/invocations`, { headers, body })
    expect(errorOf(answer).slice(0, 2)).toEqual([status, type])
  })

  test.each([
    ['tags', { Tags: { a: 1 } }, /Tags/],
    ['architectures', { Architectures: ['z80'] }, /Architectures/],
    ['a description', { Description: 'x'.repeat(257) }, /256/],
    ['settings without end', { Tags: { a: 'x'.repeat(70_000) } }, /65536/],
  ])('%s of a new function, of which nothing is kept', async (_name, wrong, says) => {
    expect(errorOf(await create(wrong))).toEqual([400, 'InvalidParameterValueException', expect.stringMatching(says)])
    expect((await create()).status).toBe(201)
  })

  test('too many tags, added one by one', async () => {
    await create()
    const tags = '/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ashop'
    const tag = (name: string) => app.request('POST', tags, { json: { Tags: { [name]: 'x'.repeat(40_000) } } })
    expect((await tag('a')).status).toBe(204)
    expect(errorOf(await tag('b')).slice(0, 2)).toEqual([400, 'InvalidParameterValueException'])
  })

  test('another language for an existing function; another version of its language is accepted', async () => {
    await create()
    const change = (json: object) => app.request('PUT', `${all}/shop/configuration`, { json })
    expect(errorOf(await change({ Runtime: 'python3.12', Timeout: 4 }))).toEqual([
      400,
      'InvalidParameterValueException',
      expect.stringMatching(/another function for python3.12/),
    ])
    expect((await change({ Timeout: 4, Tags: 1 })).status).toBe(400)
    expect((await app.request('GET', `${all}/shop/configuration`)).json.Timeout).toBe(3)
    expect((await change({ Runtime: 'nodejs22.x' })).json.Runtime).toBe('nodejs22.x')
  })

  test('another version of the language of an existing function, when both are installed', async () => {
    app.stores.runtimes.insert(aRuntime({ name: 'nodejs22' }))
    await create()
    const changed = await app.request('PUT', `${all}/shop/configuration`, { json: { Runtime: 'nodejs22.x' } })
    expect(errorOf(changed)).toEqual([
      400,
      'InvalidParameterValueException',
      expect.stringMatching(/another function for nodejs22.x/),
    ])
  })

  test('a body beyond the share of its project', async () => {
    await app.request('PUT', '/v1/projects/red/limits', { as: 'admin', json: { bodies_bytes: 100_000 } })
    await create()
    const answer = await app.request('POST', `${all}/shop/invocations`, { body: JSON.stringify('x'.repeat(200_000)) })
    expect(errorOf(answer)).toEqual([429, 'TooManyRequestsException', expect.stringMatching(/bodies_bytes/)])
  })

  test('callers who fail to authenticate repeatedly', async () => {
    app = makeTestApp({ settings: { wrongTokensPerMinute: 2, trustProxy: true } })
    const ask = (address: string) =>
      app.request('GET', `${all}/`, { as: 'stranger', headers: { 'X-Forwarded-For': `1.1.1.1, ${address}` } })
    const statuses = [await ask('9.9.9.9'), await ask('9.9.9.9'), await ask('9.9.9.9')].map(({ status }) => status)
    expect(statuses).toEqual([403, 403, 429])
    expect((await ask('8.8.8.8')).status).toBe(403)
  })

  test('a version to which an alias points', async () => {
    await create({ Publish: true })
    await app.request('POST', `${all}/shop/aliases`, { json: { Name: 'live', FunctionVersion: '1' } })
    expect(errorOf(await app.request('DELETE', `${all}/shop?Qualifier=1`))).toEqual([
      409,
      'ResourceConflictException',
      expect.stringMatching(/live/),
    ])
  })
})

test('a function is created, shown, changed and removed', async () => {
  const made = await create({
    Description: 'sells',
    Timeout: 7,
    MemorySize: 128,
    Environment: { Variables: { A: 'b' } },
    Tags: { team: 'x' },
    TracingConfig: { Mode: 'Active' },
    LoggingConfig: { LogFormat: 'JSON' },
    SnapStart: { ApplyOn: 'PublishedVersions' },
  })
  expect(made.status).toBe(201)
  const configuration = {
    FunctionName: 'shop',
    FunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:shop',
    Runtime: 'nodejs20.x',
    Role: base.Role,
    Handler: 'index.handler',
    CodeSize: 13,
    Description: 'sells',
    Timeout: 7,
    MemorySize: 128,
    LastModified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/),
    CodeSha256: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
    Version: '$LATEST',
    Environment: { Variables: { A: 'b' } },
    TracingConfig: { Mode: 'Active' },
    RevisionId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Architectures: ['x86_64'],
    EphemeralStorage: { Size: 512 },
    LoggingConfig: { LogFormat: 'JSON', LogGroup: '/aws/lambda/shop' },
    SnapStart: { ApplyOn: 'PublishedVersions', OptimizationStatus: 'Off' },
  }
  expect(made.json).toEqual(configuration)
  expect((await app.request('GET', `${all}/shop/configuration`)).json).toEqual(made.json)
  const got = await app.request('GET', `${all}/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ashop`)
  expect(got.json).toMatchObject({ Configuration: made.json, Code: { RepositoryType: 'S3' }, Tags: { team: 'x' } })
  expect((await app.request('GET', `${all}/`)).json).toEqual({ Functions: [made.json] })

  const changed = await app.request('PUT', `${all}/shop/configuration`, {
    json: { Timeout: 9, RevisionId: made.json.RevisionId },
  })
  expect(changed.json).toMatchObject({ Timeout: 9, Description: 'sells', Runtime: 'nodejs20.x' })
  expect(changed.json.RevisionId).not.toBe(made.json.RevisionId)

  const code = await app.request('PUT', `${all}/shop/code`, {
    json: { ZipFile: Buffer.from('PK-2').toString('base64') },
  })
  expect(code.json.CodeSize).toBe(4)
  expect((await app.request('DELETE', `${all}/shop`)).status).toBe(204)
  expect((await app.request('GET', `${all}/shop`)).status).toBe(404)
})

test('a version of a language is its own runtime if that is installed, otherwise the default one', async () => {
  for (const name of ['nodejs22', 'python3', 'python311']) app.stores.runtimes.insert(aRuntime({ name }))
  app.stores.runtimes.insert(aRuntime({ name: 'nodejs18', status: 'error' }))
  const runtimeOf = async (runtime: string) => {
    const name = runtime.replace('.', '-')
    expect((await create({ FunctionName: name, Runtime: runtime })).json.Runtime).toBe(runtime)
    const { runtime_id: id } = (await app.request('GET', `/v1/functions/${name}`)).json
    return (await app.request('GET', `/v1/runtimes/${id}`)).json.name
  }
  const wanted = ['nodejs22.x', 'nodejs20.x', 'nodejs18.x', 'python3.11', 'python3.12']
  expect(await Promise.all(wanted.map(runtimeOf))).toEqual(['nodejs22', 'nodejs', 'nodejs', 'python311', 'python3'])
})

test('a version of a language has the name that clients know, also for functions that were created in another way', async () => {
  for (const name of ['nodejs22', 'python311', 'ruby']) {
    app.stores.runtimes.insert(aRuntime({ name }))
    const form = { name, runtime_id: name, code: '{"source":"package"}', package: Buffer.from('PK') }
    expect((await app.request('POST', '/v1/functions', { form })).status).toBe(201)
  }
  const shown = (await app.request('GET', `${all}/`)).json.Functions.map(({ Runtime }: { Runtime: string }) => Runtime)
  expect(shown).toEqual(['nodejs22.x', 'python3.11', 'ruby'])
})

test.each(['constructor', 'toString', '__proto__'])(
  'aliases and statements may be named %s, and are not there before',
  async (name) => {
    await create()
    const alias = `${all}/shop/aliases`
    expect((await app.request('GET', `${alias}/${name}`)).status).toBe(404)
    expect((await app.request('POST', alias, { json: { Name: name, FunctionVersion: '$LATEST' } })).status).toBe(201)
    expect((await app.request('GET', `${alias}/${name}`)).json).toMatchObject({
      Name: name,
      FunctionVersion: '$LATEST',
    })
    const statement = { StatementId: name, Action: 'lambda:InvokeFunction', Principal: '*' }
    expect((await app.request('POST', `${all}/shop/policy`, { json: statement })).status).toBe(201)
  },
)

test('each code is published as one version, and aliases of one function point to versions', async () => {
  const made = await create({ Publish: true })
  expect(made.json).toMatchObject({ Version: '1', FunctionArn: expect.stringMatching(/:shop:1$/) })
  expect((await app.request('POST', `${all}/shop/versions`, { json: {} })).json.Version).toBe('1')
  await app.request('PUT', `${all}/shop/code`, { json: { ZipFile: Buffer.from('PK-2').toString('base64') } })
  const second = await app.request('POST', `${all}/shop/versions`, { json: { Description: 'two' } })
  expect(second.json).toMatchObject({ Version: '2', Description: 'two' })
  const { Versions: versions } = (await app.request('GET', `${all}/shop/versions`)).json
  expect(versions.map(({ Version }: { Version: string }) => Version)).toEqual(['$LATEST', '1', '2'])

  const alias = await app.request('POST', `${all}/shop/aliases`, { json: { Name: 'live', FunctionVersion: '1' } })
  expect(alias.json).toEqual({
    AliasArn: 'arn:aws:lambda:us-east-1:000000000000:function:shop:live',
    Name: 'live',
    FunctionVersion: '1',
    Description: '',
    RevisionId: expect.any(String),
  })
  const moved = await app.request('PUT', `${all}/shop/aliases/live`, { json: { FunctionVersion: '2' } })
  expect(moved.json.FunctionVersion).toBe('2')
  expect((await app.request('GET', `${all}/shop?Qualifier=live`)).json.Configuration.Version).toBe('2')
  expect((await app.request('GET', `${all}/shop/aliases?FunctionVersion=1`)).json).toEqual({ Aliases: [] })
  expect((await app.request('DELETE', `${all}/shop/aliases/live`)).status).toBe(204)
  expect((await app.request('GET', `${all}/shop/aliases/live`)).status).toBe(404)
  expect((await app.request('DELETE', `${all}/shop?Qualifier=1`)).status).toBe(204)
})

test('an alias sends a share of its calls to another version, as its RoutingConfig says', async () => {
  await create({ Publish: true })
  await app.request('PUT', `${all}/shop/code`, { json: { ZipFile: Buffer.from('PK-2').toString('base64') } })
  await app.request('POST', `${all}/shop/versions`, { json: {} })
  const routed = (weights: object) => ({ RoutingConfig: { AdditionalVersionWeights: weights } })
  const alias = `${all}/shop/aliases`
  const made = await app.request('POST', alias, { json: { Name: 'live', FunctionVersion: '1', ...routed({ 2: 0.1 }) } })
  expect(made.json).toMatchObject({ FunctionVersion: '1', ...routed({ 2: 0.1 }) })
  const put = (json: object) => app.request('PUT', `${alias}/live`, { json })
  for (const weights of [{ 2: 2 }, { 1: 0.5 }, { 2: 0.1, 3: 0.1 }, { 9: 0.1 }, { $LATEST: 0.1 }]) {
    expect((await put(routed(weights))).status).toBeGreaterThanOrEqual(400)
  }
  // With its current weights.
  for (const version of ['2', '$LATEST']) {
    expect(await put({ FunctionVersion: version })).toMatchObject({ status: 400, json: { Type: 'User' } })
  }
  expect((await put({ Description: 'canary' })).json).toMatchObject({ FunctionVersion: '1', ...routed({ 2: 0.1 }) })
  expect((await put(routed({ '02': 1 }))).json).toMatchObject(routed({ 2: 1 }))
  const invoke = () => app.request('POST', `${all}/shop/invocations?Qualifier=live`, { json: {} })
  expect((await invoke()).headers.get('X-Amz-Executed-Version')).toBe('2')
  expect((await app.request('DELETE', `${all}/shop?Qualifier=2`)).status).toBe(409)
  expect((await put(routed({}))).json.RoutingConfig).toBeUndefined()
  expect((await invoke()).headers.get('X-Amz-Executed-Version')).toBe('1')
})

test('a list comes in pages', async () => {
  for (const name of ['a', 'b', 'c']) await create({ FunctionName: name })
  const first = await app.request('GET', `${all}/?MaxItems=2`)
  expect(first.json.Functions.map(({ FunctionName }: { FunctionName: string }) => FunctionName)).toEqual(['a', 'b'])
  const next = await app.request('GET', `${all}/?Marker=${first.json.NextMarker}`)
  expect(next.json).toMatchObject({ Functions: [{ FunctionName: 'c' }] })
  expect(next.json.NextMarker).toBeUndefined()
})

test('a function URL opens the function to everybody, and closes it again', async () => {
  await create()
  const path = '/2021-10-31/functions/shop/url'
  const made = await app.request('POST', path, { json: { AuthType: 'NONE', Cors: { AllowOrigins: ['*'] } } })
  expect(made.status).toBe(201)
  expect(made.json).toMatchObject({
    AuthType: 'NONE',
    InvokeMode: 'BUFFERED',
    FunctionUrl: expect.stringMatching(/\/fn\/shop\/$/),
  })
  expect((await app.request('GET', '/v1/functions/shop')).json).toMatchObject({
    access: 'public',
    cors: { origins: ['*'] },
  })
  expect((await app.request('POST', path, { json: { AuthType: 'NONE' } })).status).toBe(409)
  expect((await app.request('DELETE', path)).status).toBe(204)
  expect((await app.request('GET', '/v1/functions/shop')).json).toMatchObject({ access: 'token', cors: null })
  expect((await app.request('GET', path)).status).toBe(404)
})

test('tags and concurrency are stored', async () => {
  await create()
  const tags = '/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ashop'
  expect((await app.request('POST', tags, { json: { Tags: { a: '1', b: '2' } } })).status).toBe(204)
  expect((await app.request('DELETE', `${tags}?tagKeys=a`)).status).toBe(204)
  expect(errorOf(await app.request('DELETE', tags))).toEqual([
    400,
    'InvalidParameterValueException',
    expect.any(String),
  ])
  expect((await app.request('GET', tags)).json).toEqual({ Tags: { b: '2' } })

  const put = await app.request('PUT', '/2017-10-31/functions/shop/concurrency', {
    json: { ReservedConcurrentExecutions: 5 },
  })
  expect(put.json).toEqual({ ReservedConcurrentExecutions: 5 })
  expect((await app.request('GET', '/v1/functions/shop')).json.max_workers).toBe(5)
  expect((await app.request('DELETE', '/2017-10-31/functions/shop/concurrency')).status).toBe(204)
  expect((await app.request('GET', '/2019-09-30/functions/shop/concurrency')).json).toEqual({})
  expect((await app.request('GET', '/2020-06-30/functions/shop/code-signing-config')).json).toEqual({
    CodeSigningConfigArn: '',
    FunctionName: 'shop',
  })
  expect((await app.request('GET', '/2016-08-19/account-settings')).json.AccountUsage.FunctionCount).toBe(1)
})

test('a dry run answers without running, an event is accepted', async () => {
  await create()
  const path = `${all}/shop/invocations`
  expect((await app.request('POST', path, { headers: { 'X-Amz-Invocation-Type': 'DryRun' } })).status).toBe(204)
  expect((await app.request('POST', path, { headers: { 'X-Amz-Invocation-Type': 'Event' } })).status).toBe(202)
  expect((await app.request('POST', '/2014-11-13/functions/shop/invoke-async/', { body: '{}' })).json).toEqual({
    Status: 202,
  })
})

describe('Two changes at the same moment', () => {
  const configuration = (json: object) => app.request('PUT', `${all}/shop/configuration`, { json })
  const inOrder = (answers: { status: number }[]) => answers.map(({ status }) => status).sort()

  test.each([
    ['fields of the function', { Timeout: 8 }, { Description: 'other' }],
    ['settings that are kept beside it', { Role: 'arn:aws:iam::000000000000:role/a' }, { MemorySize: 200 }],
  ])('with one RevisionId only one is made, of %s', async (_what, one, other) => {
    const { RevisionId } = (await create()).json
    const answers = await Promise.all([one, other].map((change) => configuration({ ...change, RevisionId })))
    expect(inOrder(answers)).toEqual([200, 412])
    const refused = answers.find(({ status }) => status === 412) as (typeof answers)[number]
    expect(errorOf(refused)[1]).toBe('PreconditionFailedException')
    const made = answers.find(({ status }) => status === 200) as (typeof answers)[number]
    expect((await app.request('GET', `${all}/shop/configuration`)).json).toEqual(made.json)
  })

  test('with one RevisionId only one is made, of the code', async () => {
    const { RevisionId } = (await create()).json
    const code = (text: string) =>
      app.request('PUT', `${all}/shop/code`, { json: { ZipFile: Buffer.from(text).toString('base64'), RevisionId } })
    expect(inOrder(await Promise.all(['PK-2', 'PK-33'].map(code)))).toEqual([200, 412])
    const stale = { ZipFile: Buffer.from('PK-444').toString('base64'), RevisionId }
    expect((await app.request('PUT', `${all}/shop/code`, { json: stale })).status).toBe(412)
  })

  test('a function is there with its settings and its version, or not at all', async () => {
    const { put } = app.stores.lambdaSettings
    app.stores.lambdaSettings.put = () => {
      throw new Error('the disk is gone')
    }
    expect((await create({ Publish: true })).status).toBe(500)
    app.stores.lambdaSettings.put = put
    expect((await app.request('GET', `${all}/shop`)).status).toBe(404)
    expect((await create({ Publish: true })).json).toMatchObject({ Version: '1', Role: base.Role })
  })

  test('code that cannot be published is not changed', async () => {
    const { CodeSha256 } = (await create()).json
    app.stores.functions.insertVersion = () => {
      throw new Error('the disk is gone')
    }
    const json = { ZipFile: Buffer.from('PK-2').toString('base64'), Publish: true }
    expect((await app.request('PUT', `${all}/shop/code`, { json })).status).toBe(500)
    expect((await app.request('GET', `${all}/shop/configuration`)).json.CodeSha256).toBe(CodeSha256)
  })

  test('without one both are made, and neither takes back what the other has set', async () => {
    await create()
    const tags = '/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ashop'
    const answers = await Promise.all([
      configuration({ Role: 'arn:aws:iam::000000000000:role/a' }),
      configuration({ TracingConfig: { Mode: 'Active' } }),
      app.request('POST', '/2021-10-31/functions/shop/url', { json: { AuthType: 'AWS_IAM' } }),
      app.request('POST', tags, { json: { Tags: { team: 'x' } } }),
    ])
    expect(inOrder(answers)).toEqual([200, 200, 201, 204])
    const { json } = await app.request('GET', `${all}/shop`)
    expect(json.Tags).toEqual({ team: 'x' })
    expect(json.Configuration).toMatchObject({
      Role: 'arn:aws:iam::000000000000:role/a',
      TracingConfig: { Mode: 'Active' },
    })
    expect((await app.request('GET', '/2021-10-31/functions/shop/url')).status).toBe(200)
  })
})
