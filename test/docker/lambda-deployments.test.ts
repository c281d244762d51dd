/** What people have for AWS Lambda, brought to a whole server by `taibai deploy`: a template, and programs of Amazon's own libraries. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cliOf } from '../support/cli-run.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { bases, docker } from '../support/docker-images.ts'
import { goBootstrap, pythonImageFolder } from '../support/lambda-images.ts'
import { ServerProcess } from '../support/server-process.ts'

const ric = pythonImageFolder()
if (typeof ric === 'string') console.warn(`NO CLIENT OF THE RUNTIME API: images of it are not tried. ${ric}`)
const isGoWanted = process.env.TAIBAI_TEST_BUILDS === '1'
const go = isGoWanted ? goBootstrap() : 'Programs in Go are tried with TAIBAI_TEST_BUILDS=1 only.'
if (typeof go === 'string') console.warn(go)

const folder = mkdtempSync(join(tmpdir(), 'taibai-lambda-'))
const image = (name: string) => `taibai-test-${name}:${process.pid}`

describeWithDocker('For AWS Lambda', () => {
  let server: ServerProcess
  let run: ReturnType<typeof cliOf>
  beforeAll(async () => {
    if (typeof ric !== 'string') await docker('build', '-q', ...bases(), '-t', image('ric'), ric.folder)
    server = await ServerProcess.start({ engine: 'docker' })
    run = cliOf({ url: server.url, token: server.token })
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await docker('image', 'rm', '--force', image('ric'), image('go'))
    rmSync(folder, { recursive: true, force: true })
    if (typeof ric !== 'string') rmSync(ric.folder, { recursive: true, force: true })
  })

  function project(name: string, files: Record<string, string>): string {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name, path)), { recursive: true })
      writeFileSync(join(folder, name, path), text)
    }
    return join(folder, name)
  }
  async function deploy(path: string, ...more: string[]) {
    const result = await run(['deploy', path, ...more])
    expect(result.code, result.stderr).toBe(0)
    return result
  }
  const invoke = (name: string, json: unknown) =>
    server.ask('POST', `/2015-03-31/functions/${name}/invocations`, { json, headers: { 'X-Amz-Log-Type': 'Tail' } })
  const logOf = ({ headers }: { headers: Headers }) =>
    Buffer.from(String(headers.get('x-amz-log-result')), 'base64').toString()

  test('a template of AWS SAM becomes functions, schedules and paths', async () => {
    const template = `
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Timeout: 20, Environment: {Variables: {STAGE: test}}}}
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: orders/
      Handler: src/app.handler
      Runtime: nodejs20.x
      Events:
        Get: {Type: HttpApi, Properties: {Path: '/orders/{id}', Method: get}}
        Tick: {Type: Schedule, Properties: {Schedule: rate(5 minutes), Input: '{"a": 1}'}}
  Report:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: report, CodeUri: report, Handler: main.handler, Runtime: python3.12}
  Table: {Type: AWS::DynamoDB::Table}
`
    const path = project('sam', {
      'template.yaml': template,
      'orders/src/app.js': `exports.handler = async (event, context) => ({ statusCode: 201,
        headers: { 'x-stage': process.env.STAGE }, body: event.rawPath + ' by ' + context.functionName })`,
      'report/main.py': 'def handler(event, context):\n  return {"got": event, "name": context.function_name}\n',
    })
    const { stderr } = await deploy(path)
    expect(stderr).toMatch(
      /template of AWS SAM[\s\S]*GET \/orders\/\{id\} is at \/fn\/Orders\/orders[\s\S]*Table: resources/,
    )
    const got = await server.ask('GET', '/fn/Orders/orders/7')
    expect([got.status, got.headers.get('x-stage'), got.text]).toEqual([201, 'test', '/orders/7 by Orders'])
    expect((await invoke('report', { n: 1 })).json).toEqual({ got: { n: 1 }, name: 'report' })
    const { jobs } = (await server.must('GET', '/v1/jobs')).json
    expect(jobs).toMatchObject([{ name: 'Tick', pattern: '*/5 * * * *', function_input: '{"a": 1}' }])
    expect((await run(['deploy', path, '--json'])).json.steps).toEqual([])
  })

  test('a serverless.yml becomes functions, schedules and paths, and says what it leaves out', async () => {
    const text = `
service: shop
frameworkVersion: '4'
provider:
  name: aws
  runtime: nodejs20.x
  timeout: 20
  memorySize: 256
  environment: {STAGE: test}
functions:
  hello:
    handler: src/hello.handler
    environment: {GREETING: hi}
    events:
      - httpApi: 'GET /hello/{name}'
      - http: {path: /legacy, method: post}
      - schedule: {rate: rate(10 minutes), input: {from: clock}}
      - sqs: arn:aws:sqs:eu-central-1:1:queue
  tally: {handler: tally.handler, runtime: python3.12}
plugins: [serverless-offline]
resources: {Resources: {}}
`
    const path = project('serverless', {
      'serverless.yml': text,
      'src/hello.js': `exports.handler = async (event, context) => ({ statusCode: 200,
        body: [process.env.GREETING, process.env.STAGE, event.rawPath, context.functionName].join(' ') })`,
      'tally.py': 'import os\n\ndef handler(event, context):\n  return {"got": event, "stage": os.environ["STAGE"]}\n',
    })
    const { stderr } = await deploy(path)
    expect(stderr).toContain('serverless.yml')
    for (const said of ['GET /hello/{name} is at /fn/hello/hello', 'POST /legacy is at /fn/hello/legacy']) {
      expect(stderr).toContain(said)
    }
    for (const left of ['plugins', 'resources', 'hello: event sqs']) expect(stderr).toContain(left)
    expect((await server.ask('GET', '/fn/hello/hello/you')).text).toBe('hi test /hello/you hello')
    expect((await server.ask('POST', '/fn/hello/legacy')).text).toBe('hi test /legacy hello')
    expect((await invoke('tally', { n: 1 })).json).toEqual({ got: { n: 1 }, stage: 'test' })
    const { jobs } = (await server.must('GET', '/v1/jobs')).json
    expect(jobs).toContainEqual(
      expect.objectContaining({ pattern: '*/10 * * * *', function_input: '{"from":"clock"}' }),
    )
    expect((await run(['deploy', path, '--json'])).json.steps).toEqual([])
  })

  describe.skipIf(typeof ric === 'string')('an image with awslambdaric', () => {
    beforeAll(() => {
      const function_ = `{PackageType: Image, ImageUri: '${image('ric')}', MemorySize: 192, Timeout: 20}`
      const template = `Transform: AWS::Serverless-2016-10-31
Resources: {Snake: {Type: AWS::Serverless::Function, Properties: ${function_}}}`
      return deploy(project('ric', { 'template.yaml': template }))
    })

    test('is invoked, warm, with its log', async () => {
      const first = await invoke('Snake', { name: 'Li Bai' })
      expect([first.status, first.headers.get('x-amz-function-error')]).toEqual([200, null])
      expect(first.json).toMatchObject({
        hello: 'Li Bai',
        memory: '192',
        left: true,
        id: expect.stringMatching(/^[\w-]{36}$/),
      })
      expect(logOf(first)).toContain('python says Li Bai')
      const { json } = await server.must('POST', '/v1/executions', {
        json: { function_id: 'Snake', input: '{"name": 2}' },
      })
      expect(json).toMatchObject({ status: 'success', start_kind: 'warm' })
    })

    test('is given the event of a function URL', async () => {
      const { status, json } = await server.ask('GET', '/fn/Snake/some/path')
      expect([status, json.path]).toEqual([200, '/some/path'])
    })

    test('says what it raises in the words of its library', async () => {
      const failed = await invoke('Snake', { fail: 'nothing' })
      expect([failed.status, failed.headers.get('x-amz-function-error')]).toEqual([200, 'Unhandled'])
      expect(failed.json).toMatchObject({ errorType: 'KeyError', errorMessage: "'nothing'" })
    })

    test('is changed to another handler, and says when there is none', async () => {
      const change = (Command: string[]) =>
        server.must('PUT', '/2015-03-31/functions/Snake/configuration', { json: { ImageConfig: { Command } } })
      await change(['app.other'])
      expect((await invoke('Snake', {})).json).toBe('the other')
      await change(['nowhere.handler'])
      expect((await invoke('Snake', {})).json).toMatchObject({ errorType: 'Runtime.ImportModuleError' })
    })
  })

  describe.skipIf(typeof go === 'string')('aws-lambda-go', () => {
    const { file } = go as { file: string }
    const expected = { hello: 'Go', id: expect.stringMatching(/^[\w-]{36}$/) }

    test('runs as the bootstrap of a package', async () => {
      const path = project('gopher', {})
      mkdirSync(path)
      copyFileSync(file, join(path, 'bootstrap'))
      chmodSync(join(path, 'bootstrap'), 0o755)
      await deploy(path, '--runtime', 'provided')
      const answer = await invoke('gopher', { name: 'Go' })
      expect(answer.json).toMatchObject({ ...expected, function: 'gopher' })
      expect(logOf(answer)).toContain('go says Go')
    })

    test('runs in an image that holds nothing else', async () => {
      const path = project('goimage', {
        Dockerfile: 'FROM scratch\nCOPY bootstrap /bootstrap\nENTRYPOINT ["/bootstrap"]\n',
      })
      copyFileSync(file, join(path, 'bootstrap'))
      await docker('build', '-q', '-t', image('go'), path)
      const made = await run(['deploy', '--image', image('go'), '--mode', 'lambda', '--name', 'bare'])
      expect(made.code, made.stderr).toBe(0)
      const answer = await invoke('bare', { name: 'Go' })
      expect(answer.json).toMatchObject({ ...expected, function: 'bare' })
      expect(logOf(answer)).toContain('go says Go')
      expect((await invoke('bare', { fail: 'no' })).json).toMatchObject({
        errorMessage: 'no',
        errorType: 'errorString',
      })
    })
  })
})
