/** Unmodified clients of AWS Lambda against a whole server, and what people put into their functions. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AwsClients, awsClients, boto3, type Credentials, cli, hasDebianCli, sdk } from '../support/aws-clients.ts'
import { ServerProcess } from '../support/server-process.ts'

const found = awsClients()
if (typeof found === 'string') console.warn(`NO CLIENTS OF AWS: their tests are skipped. ${found}`)
if (!hasDebianCli()) console.warn('NO AWS CLI OF DEBIAN: the first major version, of PyPI, is tested in its place.')
const clients = found as AwsClients
const folder = mkdtempSync(join(tmpdir(), 'taibai-aws-'))

let server: ServerProcess
let by: Credentials

beforeAll(async () => {
  if (typeof found === 'string') return
  server = await ServerProcess.start()
  const { json } = await server.must('POST', '/v1/access-keys', { json: { name: 'test' } })
  by = { url: server.url, keyId: json.access_key_id, secret: json.secret_access_key }
  zip('one.zip', { 'index.js': node('one') })
  zip('two.zip', { 'index.js': node('two') })
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const node = (said: string): string => `exports.handler = async (event, context) => {
  console.log('seen by ${said}')
  if (event.fail) throw new RangeError(event.fail)
  return { said: '${said}', event, version: context.functionVersion, arn: context.invokedFunctionArn, client: context.clientContext }
}`

function zip(name: string, files: Record<string, string>): string {
  const file = join(folder, name)
  writeFileSync(
    file,
    zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]))),
  )
  return file
}

const role = 'arn:aws:iam::000000000000:role/x'

/** What a program printed as its last line, as JSON. */
function told({ code, stdout, stderr }: { code: number | null; stdout: string; stderr: string }) {
  expect([code, stderr]).toEqual([0, expect.any(String)])
  return JSON.parse(stdout.trim().split('\n').at(-1) as string)
}

describe.skipIf(typeof found === 'string')('boto3', () => {
  test('creates, waits, invokes, updates, publishes, names and deletes', async () => {
    const program = `
import json, base64
told = {}
zip = lambda name: open('${folder}/' + name, 'rb').read()
made = client.create_function(FunctionName='boto', Runtime='nodejs20.x', Role='${role}', Handler='index.handler', Code={'ZipFile': zip('one.zip')}, Environment={'Variables': {'A': 'b'}}, Timeout=20)
told['state'] = made['State']
client.get_waiter('function_active_v2').wait(FunctionName='boto')
first = client.invoke(FunctionName='boto', Payload=b'{"n": 1}', LogType='Tail', ClientContext=base64.b64encode(b'{"custom": {"a": "b"}}').decode())
told['first'] = json.loads(first['Payload'].read())
told['log'] = base64.b64decode(first['LogResult']).decode()
failed = client.invoke(FunctionName='boto', Payload=b'{"fail": "no"}')
told['failed'] = [failed['StatusCode'], failed['FunctionError'], json.loads(failed['Payload'].read())]
client.publish_version(FunctionName='boto')
client.create_alias(FunctionName='boto', Name='live', FunctionVersion='1')
client.update_function_code(FunctionName='boto', ZipFile=zip('two.zip'))
client.get_waiter('function_updated_v2').wait(FunctionName='boto')
said = lambda **how: json.loads(client.invoke(FunctionName='boto', **how)['Payload'].read())
told['now'] = said()['said']
told['live'] = said(Qualifier='live')
told['event'] = client.invoke(FunctionName='boto', InvocationType='Event', Payload=b'{}')['StatusCode']
told['dry'] = client.invoke(FunctionName='boto', InvocationType='DryRun')['StatusCode']
stream = client.invoke_with_response_stream(FunctionName='boto', Payload=b'{"s": 1}')['EventStream']
told['stream'] = [list(event)[0] for event in stream]
told['names'] = [one['FunctionName'] for one in client.list_functions()['Functions']]
client.delete_alias(FunctionName='boto', Name='live')
client.delete_function(FunctionName='boto')
try:
    client.get_function(FunctionName='boto')
except client.exceptions.ResourceNotFoundException as error:
    told['gone'] = error.response['Error']['Message']
print(json.dumps(told))
`
    expect(told(await boto3(clients, by, program, folder))).toEqual({
      state: 'Active',
      first: {
        said: 'one',
        event: { n: 1 },
        version: '$LATEST',
        arn: 'arn:aws:lambda:eu-central-1:000000000000:function:boto',
        client: { custom: { a: 'b' } },
      },
      log: expect.stringMatching(
        /^START RequestId: \S+ Version: \$LATEST\nseen by one\nEND RequestId: \S+\nREPORT RequestId/,
      ),
      failed: [200, 'Unhandled', { errorType: 'RangeError', errorMessage: 'no', trace: expect.any(Array) }],
      now: 'two',
      live: {
        said: 'one',
        event: {},
        version: '1',
        arn: 'arn:aws:lambda:eu-central-1:000000000000:function:boto:live',
      },
      event: 202,
      dry: 204,
      stream: ['PayloadChunk', 'InvokeComplete'],
      names: ['boto'],
      gone: expect.stringMatching(/Function not found: arn:aws:lambda:eu-central-1/),
    })
  })

  test('is refused with another secret, and with a key that was taken back', async () => {
    const program = `
from botocore.exceptions import ClientError
try:
    client.list_functions()
except ClientError as error:
    print('"%s"' % error.response['Error']['Code'])
`
    expect(told(await boto3(clients, { ...by, secret: 'other' }, program, folder))).toBe('InvalidSignatureException')
    const { json } = await server.must('POST', '/v1/access-keys', { json: { name: 'short' } })
    await server.must('DELETE', `/v1/access-keys/${json.access_key_id}`)
    const gone = { url: server.url, keyId: json.access_key_id, secret: json.secret_access_key }
    expect(told(await boto3(clients, gone, program, folder))).toBe('UnrecognizedClientException')
  })

  test('a Python handler with Mangum and one with Powertools', async () => {
    const mangum = `
from mangum import Mangum

async def app(scope, receive, send):
    if scope['type'] != 'http':
        return
    body = (await receive())['body']
    await send({'type': 'http.response.start', 'status': 201, 'headers': [(b'x-path', scope['path'].encode()), (b'set-cookie', b'a=1')]})
    await send({'type': 'http.response.body', 'body': b'got ' + body})

handler = Mangum(app, lifespan='off')
`
    const powertools = `
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
logger = Logger(service='shop')
app = LambdaFunctionUrlResolver()

@app.get('/hello/<name>')
def hello(name):
    logger.info('asked', extra={'who': name})
    return {'hello': name}

@logger.inject_lambda_context
def handler(event, context):
    return app.resolve(event, context)
`
    const env = { PYTHONPATH: clients.python }
    const make = async (name: string, content: string) =>
      await server.deploy(name, content, { runtime: 'python3', signature: 'lambda', entry: 'main.handler', env })
    await make('mangum', mangum)
    await make('powertools', powertools)
    const posted = await server.ask('POST', '/fn/mangum/a/b?c=d', {
      body: 'x',
      headers: { 'content-type': 'text/plain' },
    })
    expect([posted.status, posted.text, posted.headers.get('x-path')]).toEqual([201, 'got x', '/a/b'])
    expect(posted.headers.get('set-cookie')).toBe('a=1')
    const hello = await server.ask('GET', '/fn/powertools/hello/world')
    expect([hello.status, hello.json]).toEqual([200, { hello: 'world' }])
    const log = await server.must('GET', `/v1/executions/${hello.headers.get('x-execution-id')}/log`)
    expect(log.text).toMatch(/"who":"world"/)
  })
})

describe.skipIf(typeof found === 'string')('the SDK for JavaScript', () => {
  test('creates, waits, invokes, streams, opens a URL and deletes', async () => {
    zip('stream.zip', {
      'index.js': `exports.handler = awslambda.streamifyResponse(async (event, stream) => {
        const out = awslambda.HttpResponseStream.from(stream, { statusCode: 203, headers: { 'x-a': 'b' } })
        out.write('first ')
        await new Promise((done) => setTimeout(done, 20))
        out.end('second')
      })`,
    })
    const program = `
import { readFileSync } from 'node:fs'
const zip = (name) => readFileSync('${folder}/' + name)
const told = {}
await send('CreateFunction', { FunctionName: 'js', Runtime: 'nodejs22.x', Role: '${role}', Handler: 'index.handler', Code: { ZipFile: zip('stream.zip') } })
await lambda.waitUntilFunctionActiveV2({ client, maxWaitTime: 30 }, { FunctionName: 'js' })
const { EventStream: events } = await send('InvokeWithResponseStream', { FunctionName: 'js', Payload: '{}' })
told.bytes = ''
for await (const { PayloadChunk: chunk, InvokeComplete: complete } of events) {
  if (chunk) told.bytes += Buffer.from(chunk.Payload).toString('latin1')
  if (complete) told.complete = complete
}
const url = await send('CreateFunctionUrlConfig', { FunctionName: 'js', AuthType: 'NONE', InvokeMode: 'RESPONSE_STREAM' })
const answer = await fetch(url.FunctionUrl)
told.answer = [answer.status, answer.headers.get('x-a'), await answer.text()]
await send('UpdateFunctionConfiguration', { FunctionName: 'js', Description: 'changed' })
await lambda.waitUntilFunctionUpdatedV2({ client, maxWaitTime: 30 }, { FunctionName: 'js' })
told.description = (await send('GetFunctionConfiguration', { FunctionName: 'js' })).Description
await send('TagResource', { Resource: url.FunctionArn, Tags: { a: 'b' } })
told.tags = (await send('ListTags', { Resource: url.FunctionArn })).Tags
await send('DeleteFunction', { FunctionName: 'js' })
told.gone = await send('GetFunction', { FunctionName: 'js' }).catch((error) => error.name)
console.log(JSON.stringify(told))
`
    const { bytes, ...rest } = told(await sdk(clients, by, program))
    const [head, body] = bytes.split('\0'.repeat(8))
    expect([JSON.parse(head), body]).toEqual([{ statusCode: 203, headers: { 'x-a': 'b' } }, 'first second'])
    expect(rest).toEqual({
      complete: {},
      answer: [203, 'b', 'first second'],
      description: 'changed',
      tags: { a: 'b' },
      gone: 'ResourceNotFoundException',
    })
  })

  test('a Node.js handler with serverless-http and a Powertools logger', async () => {
    const file = zip('http.zip', {
      'index.js': `const serverless = require('serverless-http')
const { Logger } = require('@aws-lambda-powertools/logger')
const logger = new Logger({ serviceName: 'shop' })
const app = (request, response) => {
  logger.info('asked', { url: request.url })
  response.setHeader('x-url', request.url)
  response.statusCode = 202
  request.pipe(response)
}
const handle = serverless(app)
exports.handler = async (event, context) => {
  logger.addContext(context)
  return handle(event, context)
}`,
    })
    const program = `
import { readFileSync } from 'node:fs'
const Variables = { NODE_PATH: '${clients.node}/node_modules' }
await send('CreateFunction', { FunctionName: 'web', Runtime: 'nodejs20.x', Role: '${role}', Handler: 'index.handler', Code: { ZipFile: readFileSync('${file}') }, Environment: { Variables }, Timeout: 30 })
console.log('{}')
`
    told(await sdk(clients, by, program))
    const answer = await server.ask('POST', '/fn/web/a?b=c', {
      body: 'hello',
      headers: { 'content-type': 'text/plain' },
    })
    expect([answer.status, answer.headers.get('x-url'), answer.text]).toEqual([202, '/a?b=c', 'hello'])
    const log = await server.must('GET', `/v1/executions/${answer.headers.get('x-execution-id')}/log`)
    expect(log.text).toMatch(/"function_name":"web"/)
  })
})

describe.skipIf(typeof found === 'string')('the AWS CLI', () => {
  /** The second major version is Debian's alone. */
  const which = hasDebianCli() ? 'debian' : 'pypi'

  test('creates, waits, invokes, updates, publishes, names and deletes', async () => {
    await using line = await cli(which, clients, by, folder)
    const { aws } = line
    const name = `cli-${which}`
    const must = async (...args: string[]) => {
      const ran = await aws(...args)
      if (ran.code !== 0) throw new Error(`aws lambda ${args.join(' ')}: ${ran.stderr}`)
      return ran.stdout.trim() === '' ? null : JSON.parse(ran.stdout)
    }
    const named = ['--function-name', name]
    const made = await must(
      ...['create-function', ...named, '--runtime', 'nodejs20.x', '--handler', 'index.handler', '--role', role],
      ...['--zip-file', `fileb://${folder}/one.zip`],
    )
    expect(made).toMatchObject({ FunctionName: name, State: 'Active' })
    await must('wait', 'function-active-v2', ...named)
    const raw = which === 'debian' ? ['--cli-binary-format', 'raw-in-base64-out'] : []
    const invoked = await must('invoke', ...named, '--payload', '{"n":1}', ...raw, join(folder, 'out.json'))
    expect(invoked).toEqual({ StatusCode: 200, ExecutedVersion: '$LATEST' })
    await must('update-function-code', ...named, '--zip-file', `fileb://${folder}/two.zip`)
    await must('wait', 'function-updated-v2', ...named)
    expect((await must('publish-version', ...named)).Version).toBe('1')
    await must('create-alias', ...named, '--name', 'live', '--function-version', '1')
    const live = await must('invoke', ...named, '--qualifier', 'live', join(folder, 'out.json'))
    expect(live.ExecutedVersion).toBe('1')
    expect((await must('list-functions')).Functions.map((one: { FunctionName: string }) => one.FunctionName)).toContain(
      name,
    )
    await must('delete-alias', ...named, '--name', 'live')
    await must('delete-function', ...named)
    const gone = await aws('get-function', ...named)
    expect(gone.code).not.toBe(0)
    expect(gone.stderr).toContain('ResourceNotFoundException')
  })
})
