/** Templates of AWS SAM and files of the Serverless Framework, read as what they say of functions. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cronOfSchedule } from '../../src/cli/foreign/schedule-expression.ts'
import { readServerlessFile, templateIn } from '../../src/cli/foreign/serverless-files.ts'
import type { ManifestFunction } from '../../src/cli/manifest/manifest.ts'
import { functionInManifest } from '../../src/cli/manifest/manifest-function.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taibai-serverless-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function read(name: string, text: string) {
  writeFileSync(join(folder, name), text)
  return readServerlessFile(join(folder, name))
}

const sam = (runtime: string, more = '') => `
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties: {Runtime: ${runtime}, Handler: index.handler${more}}
`

const stack = (functions: string) => `version: 1.0\nprovider:\n  name: openfaas\nfunctions:\n  cows: ${functions}\n`

describe('a stack of OpenFaaS', () => {
  test('is images, with what environment, labels and annotations say', () => {
    writeFileSync(join(folder, 'env.yml'), 'environment: {A: one, B: 2}\n')
    const said = [
      'lang: node20, handler: ./cows, image: "ghcr.io/openfaas/cows:1", fprocess: node index.js, namespace: dev',
      'environment_file: [env.yml], environment: {B: three, EMPTY: , exec_timeout: 90s, max_inflight: 4}, secrets: [key]',
      'labels: {com.openfaas.scale.min: 1, com.openfaas.scale.max: 5}, limits: {memory: 256Mi, cpu: 500m}',
      'requests: {cpu: "0.1"}, annotations: {topic: cron-function, schedule: "*/5 * * * *", own: x}, constraints: [a]',
    ]
    const found = read('stack.yaml', stack(`{${said.join(', ')}}`))
    expect(found?.manifest.functions).toEqual({
      cows: {
        ...{ image: 'ghcr.io/openfaas/cows:1', mode: 'http', port: 8080, memory_mb: 256, timeout: 90, concurrency: 4 },
        ...{ min_workers: 1, max_workers: 5, cpu: 100, cpu_max: 500 },
        env: { A: 'one', B: 'three', EMPTY: '', exec_timeout: '90s', max_inflight: '4', fprocess: 'node index.js' },
        jobs: { 'cows-cron': { pattern: '*/5 * * * *' } },
      },
    })
    expect(found?.kind).toBe('a stack of OpenFaaS')
    expect(found?.leftOut).toEqual([
      'cows: secrets, because images get none',
      'cows: constraints',
      'cows: annotation own',
    ])
  })

  test.each([
    ['no image', '{lang: node}', /names no image/],
    ['an amount that is none', '{image: x, limits: {memory: much}}', /"much", which is not an amount/],
    ['a file that is not there', '{image: x, environment_file: [none.yml]}', /no file .*none\.yml/],
  ])('with %s is refused', (_what, functions, message) => {
    expect(() => read('stack.yml', stack(functions))).toThrow(message)
  })

  test('that is of others is none', () => {
    expect(read('stack.yaml', 'a: 1\n')).toBeNull()
  })
})

describe('a serverless.yml of another provider', () => {
  test.each([
    ['google', 'nodejs18.x', 'http', { runtime: 'nodejs', signature: 'gcf', entry: 'http' }],
    ['google', 'python3.9', 'endpoint', { runtime: 'python3', signature: 'gcf', entry: 'endpoint' }],
    ['kubeless', 'python2.7', 'handler.hello', { runtime: 'python3', signature: 'kubeless', entry: 'handler.hello' }],
  ])('%s with %s', (provider, runtime, handler, expected) => {
    const yaml = `provider: {name: ${provider}, runtime: ${runtime}}\nfunctions: {a: {handler: ${handler}}}`
    const found = read('serverless.yml', yaml)
    expect(found?.manifest.functions).toEqual({ a: { code: '.', env: {}, ...expected } })
    expect(found?.leftOut).toEqual(runtime === 'python2.7' ? ['a: python2.7; it runs on Python 3'] : [])
  })

  test('openwhisk needs no runtime, and has schedules', () => {
    const cron = 'functions: {a: {handler: handler.cron, events: [{schedule: cron(* * * * *)}]}}'
    const found = read('serverless.yml', `provider: openwhisk\n${cron}`)
    expect(found?.manifest.functions.a).toMatchObject({
      runtime: 'nodejs',
      signature: 'openwhisk',
      entry: 'handler.cron',
      jobs: { 'schedule-1': { pattern: '* * * * *' } },
    })
  })
})

test('code in a template is the only module of its function', () => {
  const found = read('template.yaml', sam('python3.12', ', InlineCode: "def handler(event, context): return 1"'))
  const [name, fn] = Object.entries(found?.manifest.functions ?? {})[0] ?? []
  expect(found?.leftOut).toEqual([])
  const { zip, fields, runtime } = functionInManifest(`${name}`, fn as ManifestFunction, folder)
  expect(runtime).toBe('python3')
  expect(fields).toMatchObject({ entry: 'index.handler', signature: 'lambda' })
  expect(Object.keys(unzipSync(zip as Buffer))).toEqual(['index.py'])
})

describe('is refused:', () => {
  test.each([
    [
      'a runtime that is not here',
      () => read('template.yaml', sam('ruby3.3')),
      /ruby3\.3; the supported ones are nodejs\*/,
    ],
    [
      'another provider',
      () => read('serverless.yml', 'provider: {name: azure}\nfunctions: {a: {}}'),
      /only aws, google, openwhisk, kubeless/,
    ],
    [
      'an image that is made elsewhere',
      () => read('template.yaml', sam('nodejs20.x', ', PackageType: Image, ImageUri: !Ref Image')),
      /does not name/,
    ],
    [
      'no function',
      () => read('template.yaml', 'Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: AWS::SQS::Queue}}'),
      /no function/,
    ],
  ])('%s', (_name, run, message) => {
    expect(run).toThrow(message)
  })
})

test('a template of something else is none', () => {
  expect(read('template.yaml', 'Resources: {A: {Type: AWS::S3::Bucket}}')).toBeNull()
  expect(read('template.yaml', 'greeting: [')).toBeNull()
  expect(templateIn(folder)).toBe(join(folder, 'template.yaml'))
})

test('a template of AWS SAM', () => {
  const text = `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Level: {Type: String, Default: info}
Globals:
  Function:
    Timeout: 10
    Environment: {Variables: {A: global, LEVEL: !Ref Level}}
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: orders/
      Handler: src/app.handler
      Runtime: nodejs20.x
      MemorySize: 256
      Environment: {Variables: {A: own, TABLE: !Ref Table}}
      Policies: [AmazonDynamoDBReadOnlyAccess]
      Events:
        Create: {Type: HttpApi, Properties: {Path: /orders, Method: post}}
        Tick: {Type: Schedule, Properties: {Schedule: rate(5 minutes), Input: '{"a": 1}'}}
        Odd: {Type: Schedule, Properties: {Schedule: rate(7 minutes)}}
        Queue: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn}}
  Named:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: named, CodeUri: ., Handler: main.handler, Runtime: python3.12}
  Table: {Type: AWS::DynamoDB::Table}
`
  expect(read('template.yaml', text)).toEqual({
    kind: 'a template of AWS SAM',
    folder,
    manifest: {
      functions: {
        Orders: {
          code: 'orders/',
          runtime: 'nodejs',
          signature: 'lambda',
          entry: 'src/app.handler',
          timeout: 10,
          memory_mb: 256,
          env: { LAMBDA_HTTP_EVENTS: '2.0; POST /orders', A: 'own', LEVEL: 'info' },
          jobs: { Tick: { pattern: '*/5 * * * *', input: '{"a": 1}' } },
        },
        named: {
          code: '.',
          runtime: 'python3',
          signature: 'lambda',
          entry: 'main.handler',
          timeout: 10,
          memory_mb: 128,
          env: { A: 'global', LEVEL: 'info' },
        },
      },
    },
    paths: ['POST /orders is at /fn/Orders/orders'],
    leftOut: [
      'Orders: Policies',
      'Orders: event Odd: "rate(7 minutes)" cannot be written as a cron pattern',
      'Orders: event Queue of type SQS',
      'Orders: variable TABLE, whose value comes from elsewhere',
      'Table: resources of type AWS::DynamoDB::Table are not created here',
    ],
  })
})

test('images of both', () => {
  const config = '{Command: [app.handler], EntryPoint: [/boot], WorkingDirectory: /srv}'
  const text = sam('x', `, PackageType: Image, ImageUri: 'me/app:1', ImageConfig: ${config}`)
  expect(read('template.yaml', text)?.manifest.functions).toEqual({
    Orders: {
      ...{ image: 'me/app:1', mode: 'lambda', timeout: 3, memory_mb: 128, env: {} },
      ...{ command: ['app.handler'], entry_point: ['/boot'], working_directory: '/srv' },
    },
  })
  const images = 'provider: {name: aws}\nfunctions: {a: {image: me/a}, b: {image: {uri: me/b, command: [x.y]}}}'
  expect(read('serverless.yml', images)?.manifest.functions).toMatchObject({
    a: { image: 'me/a', mode: 'lambda' },
    b: { image: 'me/b', mode: 'lambda', command: ['x.y'] },
  })
})

test('a serverless.yml', () => {
  const text = `
service: shop
provider: {name: aws, runtime: nodejs20.x, timeout: 20, environment: {A: b}, iam: {role: x}}
plugins: [serverless-offline]
functions:
  hello:
    handler: handler.hello
    memorySize: 512
    environment: {STAGE: '\${opt:stage}', TABLE: '\${ssm:/table}', N: 3}
    events:
      - httpApi: 'GET /hello'
      - http: {path: /old, method: post}
      - schedule: rate(1 hour)
      - schedule: {rate: ['cron(0 12 ? * MON-FRI *)'], input: {a: 1}, name: noon}
      - sqs: arn:x
`
  const { manifest, leftOut, paths } = read('serverless.yml', text) as NonNullable<ReturnType<typeof read>>
  expect(manifest.functions).toEqual({
    hello: {
      code: '.',
      runtime: 'nodejs',
      signature: 'lambda',
      entry: 'handler.hello',
      timeout: 20,
      memory_mb: 512,
      env: { LAMBDA_HTTP_EVENTS: '2.0; GET /hello; POST /old', A: 'b', STAGE: 'dev', N: '3' },
      jobs: {
        'schedule-1': { pattern: '0 */1 * * *' },
        noon: { pattern: '0 12 * * MON-FRI', input: { a: 1 } },
      },
    },
  })
  expect(paths).toEqual(['GET /hello is at /fn/hello/hello', 'POST /old is at /fn/hello/old'])
  expect(leftOut).toEqual([
    'plugins',
    'provider.iam',
    'hello: event sqs',
    'hello: variable TABLE, whose value comes from elsewhere',
  ])
})

describe('routes of', () => {
  const env = (text: string, name = 'serverless.yml') =>
    Object.values(read(name, text)?.manifest.functions ?? {})[0]?.env

  test.each([
    [
      'a REST API',
      '[{http: GET items/{id}}, {http: {path: "/{proxy+}", method: any}}]',
      '1.0; GET /items/{id}; ANY /{proxy+}',
    ],
    ['an HTTP API', '[{httpApi: {path: "/items/{id}", method: "*"}}]', '2.0; ANY /items/{id}'],
    ['all paths of an HTTP API', "[{httpApi: '*'}]", undefined],
    ['nothing', '[]', undefined],
  ])('%s', (_what, events, expected) => {
    const found = env(
      `provider: aws\nfunctions: {a: {handler: a.b, events: ${events.replaceAll('GET items/{id}', "'GET items/{id}'")}}}`,
    )
    expect(found?.LAMBDA_HTTP_EVENTS).toBe(expected)
  })

  test.each([
    ['Api', '', '1.0; GET /items/{id}'],
    ['HttpApi', '', '2.0; GET /items/{id}'],
    ['HttpApi', ', PayloadFormatVersion: "1.0"', '1.0; GET /items/{id}'],
  ])('an event %s of SAM', (type, more, expected) => {
    const about = `{Path: "/items/{id}", Method: get${more}}`
    const found = env(sam('nodejs20.x', `, Events: {One: {Type: ${type}, Properties: ${about}}}`), 'template.yaml')
    expect(found?.LAMBDA_HTTP_EVENTS).toBe(expected)
  })

  test('functions of Google are not those of AWS', () => {
    expect(
      env('provider: {name: google, runtime: nodejs20}\nfunctions: {a: {handler: b, events: [{http: path}]}}'),
    ).toEqual({})
  })
})

test('a template of SAM needs no Transform', () => {
  const text = sam('nodejs20.x').replace(/^Transform.*$/m, '')
  expect(read('template.yaml', text)?.manifest.functions).toMatchObject({ Orders: { runtime: 'nodejs' } })
})

test('a serverless.yml of AWS without a runtime is for Node.js', () => {
  expect(read('serverless.yml', 'provider: aws\nfunctions: {a: {handler: a.b}}')?.manifest.functions).toMatchObject({
    a: { runtime: 'nodejs', signature: 'lambda' },
  })
})

test('the handler of serverless-wsgi is the application behind it', () => {
  const text = `
provider: {name: aws, runtime: python3.12}
custom: {wsgi: {app: api/app.app}}
functions: {web: {handler: wsgi_handler.handler, events: [{http: GET /}]}, job: {handler: jobs.run}}
`
  expect(read('serverless.yml', text)?.manifest.functions).toMatchObject({
    web: { entry: 'api.app.app', signature: 'http', env: {} },
    job: { entry: 'jobs.run', signature: 'lambda' },
  })
})

test('variables of a serverless.yml are those of the file, of the environment, or their defaults', () => {
  vi.stubEnv('SHOP_KEY', 'k')
  const variable = (inside: string) => `\${${inside}}`
  const values = {
    TABLE: `${variable('self:service')}-${variable('opt:stage, self:provider.stage')}`,
    NESTED: variable(`self:custom.${variable('sls:stage')}.url`),
    KEY: variable("env:SHOP_KEY, 'none'"),
    DEFAULT: variable("env:NOT_THERE, 'none'"),
    REGION: variable('aws:region'),
    COUNT: variable('self:custom.count'),
    LOOP: variable('self:custom.loop'),
    ELSEWHERE: variable('ssm:/a'),
    MISSING: variable('self:custom.missing'),
  }
  const root = {
    service: 'shop',
    provider: { name: 'aws', stage: 'test', region: 'eu-west-1', environment: values },
    custom: { test: { url: 'http://x' }, count: 3, loop: variable('self:custom.loop') },
    functions: { a: { handler: 'a.b' } },
  }
  const found = read('serverless.yml', JSON.stringify(root))
  vi.unstubAllEnvs()
  expect(found?.manifest.functions.a?.env).toEqual({
    ...{ TABLE: 'shop-test', NESTED: 'http://x', KEY: 'k', DEFAULT: 'none', REGION: 'eu-west-1', COUNT: '3' },
  })
  const lost = ['LOOP', 'ELSEWHERE', 'MISSING'].map((name) => `a: variable ${name}, whose value comes from elsewhere`)
  expect(found?.leftOut).toEqual(['custom', ...lost])
})

test.each([
  ['rate(1 minute)', '*/1 * * * *'],
  ['rate(60 minutes)', '0 * * * *'],
  ['rate(12 hours)', '0 */12 * * *'],
  ['rate(1 day)', '0 0 * * *'],
  ['rate(2 days)', null],
  ['rate(0 minutes)', null],
  ['cron(15 10 ? * 2-6 *)', '15 10 * * 1-5'],
  ['cron(0/10 8-18/2 * * ? *)', '0-59/10 8-18/2 * * *'],
  ['cron(0 18 L * ? *)', null],
  ['cron(0 18 1 1 ? 2027)', null],
  ['every day', null],
])('%s is %s', (expression, pattern) => {
  expect(cronOfSchedule(expression)).toBe(pattern)
})

describe('a manifest of wskdeploy', () => {
  const text = `
packages:
  shop:
    inputs: {region: eu, place: here}
    actions:
      greet:
        function: actions/greet.js
        web: true
        inputs: {place: there, times: {type: integer, value: 3}, name: {type: string}, key: $KEY}
        limits: {timeout: 90500, memorySize: 128, concurrentActivations: 5, logSize: 10}
        annotations: {description: Greets, provide-api-key: true, raw-http: true, final: false, require-whisk-auth: s3cret}
      count: {function: count.zip, runtime: 'python:3.11', main: run, annotations: {web-export: true}}
    sequences: {both: {actions: 'greet, /_/tool', web: yes}}
    triggers:
      hourly: {feed: /whisk.system/alarms/alarm, inputs: {cron: 0 * * * *}}
      hook: {inputs: {a: 1}, feed: /other/feed}
    rules: {each: {trigger: hourly, action: greet}}
    apis: {v1: {}}
  default:
    actions:
      tool: {docker: 'me/tool:1'}
`

  test('becomes functions under the names that the API of OpenWhisk gives them', () => {
    const { kind, manifest, leftOut, entities } = read('manifest.yaml', text) as NonNullable<ReturnType<typeof read>>
    expect(kind).toBe('a manifest of wskdeploy')
    expect(manifest.functions).toEqual({
      'shop--greet': {
        ...{ code: 'actions/greet.js', runtime: 'nodejs', signature: 'openwhisk', entry: 'main' },
        ...{ timeout: 91, memory_mb: 128, concurrency: 5, description: 'Greets', api: true },
        env: { __OW_PARAMETERS: '{"region":"eu","place":"there","times":3}' },
      },
      'shop--count': {
        ...{ code: 'count.zip', runtime: 'python3', signature: 'openwhisk', entry: 'run', timeout: 60, memory_mb: 256 },
        env: { __OW_PARAMETERS: '{"region":"eu","place":"here"}' },
      },
      tool: { image: 'me/tool:1', mode: 'openwhisk', timeout: 60, memory_mb: 256 },
    })
    expect(leftOut).toEqual([
      'shop: API v1',
      'shop--greet: limits.logSize',
      'shop--greet: input key, whose value comes from elsewhere',
      'trigger hook: feed /other/feed (only /whisk.system/alarms is supported)',
    ])
    const values = (values: object) => Object.entries(values).map(([key, value]) => ({ key, value }))
    const ofGreet = { 'web-export': true, 'raw-http': true, final: false, description: 'Greets' }
    expect(entities).toEqual([
      { kind: 'package', name: 'shop', body: {} },
      {
        ...{ kind: 'action', name: 'shop/greet' },
        body: {
          annotations: values({ ...ofGreet, 'provide-api-key': true, 'require-whisk-auth': 's3cret' }),
          parameters: values({ region: 'eu', place: 'there', times: 3 }),
        },
      },
      {
        ...{ kind: 'action', name: 'shop/count' },
        body: {
          annotations: values({ 'web-export': true }),
          parameters: values({ region: 'eu', place: 'here' }),
        },
      },
      {
        ...{ kind: 'action', name: 'shop/both' },
        body: {
          exec: { kind: 'sequence', components: ['/_/shop/greet', '/_/tool'] },
          annotations: values({ 'web-export': true, 'raw-http': false, final: true }),
        },
      },
      { kind: 'trigger', name: 'hourly', body: {}, alarm: { feed: 'alarm', values: { cron: '0 * * * *' } } },
      { kind: 'trigger', name: 'hook', body: {} },
      {
        ...{ kind: 'rule', name: 'each' },
        body: { trigger: '/_/hourly', action: '/_/shop/greet', status: 'active' },
      },
    ])
  })

  test.each([
    ['no code', 'packages: {a: {actions: {b: {}}}}', /has no code/],
    ['a text without a runtime', 'packages: {a: {actions: {b: {code: "x"}}}}', /runtime/],
    [
      'an alarm without a time',
      'packages: {a: {actions: {b: {function: x.js}}, triggers: {t: {feed: /whisk.system/alarms/alarm}}}}',
      /trigger t has no "cron".*deployment\.yaml/,
    ],
    ['another language', 'packages: {a: {actions: {b: {function: x.php}}}}', /runtime/],
    ['a name that cannot be', 'packages: {a: {actions: {"b c": {function: x.js}}}}', /cannot be the name/],
  ])('is refused with %s', (_what, wrong, message) => {
    expect(() => read('manifest.yaml', wrong)).toThrow(message)
  })

  test.each([
    ['nodejs:default', 'index.js'],
    ['python:3', '__main__.py'],
  ])('may contain the text of an action in %s', (runtime, file) => {
    const found = read('manifest.yaml', `packages: {default: {actions: {b: {code: "text", runtime: '${runtime}'}}}}`)
    const { zip, fields } = functionInManifest('b', found?.manifest.functions.b as ManifestFunction, folder)
    expect(Object.entries(unzipSync(zip as Buffer)).map(([name, text]) => [name, `${Buffer.from(text)}`])).toEqual([
      [file, 'text'],
    ])
    expect(fields).toMatchObject({ signature: 'openwhisk', entry: 'main' })
    expect(found?.leftOut).toEqual([])
  })

  test.each(['deployment.yaml', 'deployment.yml'])('has the values of %s beside it', (name) => {
    const given = `project:
  packages:
    shop:
      inputs: {region: us}
      actions: {greet: {inputs: {place: Paris}}, other: {inputs: {a: 1}}}
      triggers: {hourly: {inputs: {cron: 0 */12 * * *}, annotations: {by: us}}}
`
    writeFileSync(join(folder, name), given)
    const found = read(
      'manifest.yaml',
      `packages:
  shop:
    inputs: {region: eu}
    actions: {greet: {function: greet.js, inputs: {place: {type: string}, times: 3}}}
    triggers: {hourly: {feed: /whisk.system/alarms/alarm}}
`,
    )
    expect(found?.manifest.functions).toMatchObject({
      'shop--greet': { env: { __OW_PARAMETERS: '{"region":"us","place":"Paris","times":3}' } },
    })
    expect(Object.keys(found?.manifest.functions ?? {})).toEqual(['shop--greet'])
    expect(found?.entities).toContainEqual({
      ...{ kind: 'trigger', name: 'hourly', alarm: { feed: 'alarm', values: { cron: '0 */12 * * *' } } },
      body: { annotations: [{ key: 'by', value: 'us' }] },
    })
  })

  test('is refused beside a deployment.yaml that cannot be read', () => {
    writeFileSync(join(folder, 'deployment.yaml'), 'packages: {a: [')
    expect(() => read('manifest.yaml', 'packages: {a: {actions: {b: {function: x.js}}}}')).toThrow(
      /deployment\.yaml cannot be read as YAML/,
    )
  })

  test('is not what another manifest.yaml is', () => {
    expect(read('manifest.yaml', 'apiVersion: v1\nkind: Pod')).toBeNull()
  })
})
