/** Programs that speak the Runtime API of AWS Lambda: a bootstrap in Python, which asks as Amazon's clients do. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { BindFailure, type BoundWorker } from '../support/conformance-harness.ts'
import { processHarness } from '../support/shim-process.ts'

const mib = 1024 * 1024
const runtime = fileURLToPath(new URL('../../runtimes/nodejs', import.meta.url))
const packages = mkdtempSync(join(tmpdir(), 'taibai-bootstrap-'))
afterAll(() => rmSync(packages, { recursive: true, force: true }))

/** What a bootstrap does between asking and answering is `body`; it sees `event`, `headers` and `post(path, body, headers)`. */
const program = (body: string, before = '') => `#!/usr/bin/env python3
import http.client, json, os, sys, time
host = os.environ['AWS_LAMBDA_RUNTIME_API']

def ask(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(host)
    connection.request(method, '/2018-06-01/runtime/' + path, body, headers)
    answer = connection.getresponse()
    return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read()

${before}
while True:
    status, headers, event = ask('GET', 'invocation/next')
    event = json.loads(event)
    id = headers['lambda-runtime-aws-request-id']
    post = lambda what, body, more={}: ask('POST', 'invocation/%s/%s' % (id, what), body, more)
${body.replaceAll(/^/gm, '    ')}
`

async function bind(text: string | null, mode = 0o755): Promise<BoundWorker> {
  const folder = mkdtempSync(join(packages, 'package-'))
  if (text !== null) {
    writeFileSync(join(folder, 'bootstrap'), text)
    chmodSync(join(folder, 'bootstrap'), mode)
  }
  return await processHarness(runtime, folder).bind({ entry: 'main.handler', signature: 'runtime-api' })
}

const failureOf = (starting: Promise<BoundWorker>) =>
  starting.then(
    () => 'bound',
    (error: unknown) => (error instanceof BindFailure ? [error.type, error.message] : error),
  )

describe('does not start:', () => {
  test('a package without a bootstrap', async () => {
    expect(await failureOf(bind(null))).toEqual([
      'Runtime.InvalidEntrypoint',
      expect.stringMatching(/no file "bootstrap"/),
    ])
  })

  test('a bootstrap that is not executable', async () => {
    expect(await failureOf(bind('x', 0o644))).toEqual(['Runtime.InvalidEntrypoint', expect.stringMatching(/chmod \+x/)])
  })

  test('one that ends before it asks', async () => {
    expect(await failureOf(bind('#!/bin/sh\nexit 3\n'))).toEqual([
      'Runtime.ExitError',
      expect.stringMatching(/exit status 3/),
    ])
  })

  test('one that tells an error of its own', async () => {
    const text = program(
      'pass',
      `ask('POST', 'init/error', json.dumps({'errorType': 'Init', 'errorMessage': 'no'})); sys.exit(1)`,
    )
    expect(await failureOf(bind(text))).toEqual(['Init', 'no'])
  })
})

const echo = program(`
if event.get('do') == 'fail':
    post('error', json.dumps({'errorType': 'E', 'errorMessage': 'as asked', 'stackTrace': ['a', 'b']}))
elif event.get('do') == 'exit':
    os._exit(7)
elif event.get('do') == 'print':
    print('printed', flush=True)
    post('response', 'null')
elif event.get('do') == 'bad-id':
    told = ask('POST', 'invocation/other/response', '1')
    post('response', json.dumps([told[0], json.loads(told[2])['errorType']]))
elif event.get('do') == 'context':
    post('response', json.dumps({
        'type': headers['content-type'], 'arn': headers['lambda-runtime-invoked-function-arn'],
        'late': int(headers['lambda-runtime-deadline-ms']) > time.time() * 1000,
        'trace': headers['lambda-runtime-trace-id'], 'handler': os.environ['_HANDLER'], 'root': os.environ['LAMBDA_TASK_ROOT'] == os.getcwd(),
    }))
elif event.get('do') == 'flood':
    piece = bytes(1024 * 1024)
    told = post('response', (piece for _ in range(300)))
elif event.get('rawPath') == '/headless':
    post('response', (b'x' * 1024 * 1024 for _ in range(50)), {'Lambda-Runtime-Function-Response-Mode': 'streaming', 'Content-Type': 'application/vnd.awslambda.http-integration-response'})
elif event.get('rawPath') == '/made':
    post('response', json.dumps({'statusCode': 201, 'headers': {'x-a': 'b'}, 'body': event['requestContext']['http']['method']}))
elif event.get('do') == 'stream':
    post('response', iter([b'one ', b'two']), {'Lambda-Runtime-Function-Response-Mode': 'streaming', 'Content-Type': 'text/plain'})
else:
    post('response', json.dumps(event))
`)

describe('a bootstrap', () => {
  test('answers call after call', async () => {
    await using worker = await bind(echo)
    for (const n of [1, 2, 3])
      expect(await worker.call({ n }).outcome).toMatchObject({ state: 'value', kind: 'json', value: { n } })
  })

  test('is told what a call is', async () => {
    await using worker = await bind(echo)
    const executionId = '0192f5a0-0000-7000-8000-00000000abcd'
    expect(await worker.call({ do: 'context' }, { executionId }).outcome).toMatchObject({
      value: {
        type: 'application/json',
        arn: 'arn:aws:lambda:us-east-1:000000000000:function:conformance:3',
        late: true,
        trace: expect.stringMatching(/^Root=1-/),
        handler: 'main.handler',
        root: true,
      },
    })
  })

  test('fails a call, and serves the next', async () => {
    await using worker = await bind(echo)
    expect(await worker.call({ do: 'fail' }).outcome).toMatchObject({
      state: 'failed',
      type: 'E',
      message: 'as asked',
      stack: 'a\nb',
    })
    expect(await worker.call({ do: 'bad-id' }).outcome).toMatchObject({ value: [400, 'InvalidRequestID'] })
  })

  test('what it prints belongs to its call', async () => {
    await using worker = await bind(echo)
    const call = worker.call({ do: 'print' })
    await call.printed('printed')
    expect((await call.outcome).state).toBe('value')
    expect(call.output.stdout).toBe('printed\n')
  })

  test('may send an answer that is far too long: it is not kept', async () => {
    await using worker = await bind(echo)
    const outcome = await worker.call({ do: 'flood' }).outcome
    expect(outcome).toMatchObject({ state: 'failed', message: expect.stringContaining(`has ${300 * mib} bytes`) })
    expect((outcome as { usage: { memoryPeakBytes: number } }).usage.memoryPeakBytes).toBeLessThan(250 * mib)
    expect(await worker.call({ n: 1 }).outcome).toMatchObject({ value: { n: 1 } })
  })

  test('must end the head of a streamed answer', async () => {
    await using worker = await bind(echo)
    expect(await worker.fetch({ target: '/headless' }).outcome).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('head of the answer'),
    })
    expect(await worker.call({ n: 1 }).outcome).toMatchObject({ value: { n: 1 } })
  })

  test('that ends takes its worker along', async () => {
    const worker = await bind(echo)
    expect(await worker.call({ do: 'exit' }).outcome).toEqual({ state: 'lost' })
    expect(await worker.exited).toBe(7)
    await worker.kill()
  })

  test('answers requests and streams', async () => {
    await using worker = await bind(echo)
    expect(await worker.fetch({ method: 'PUT', target: '/made' }).outcome).toMatchObject({
      status: 201,
      body: Buffer.from('PUT'),
    })
    expect(await worker.call({ do: 'stream' }).outcome).toMatchObject({
      state: 'answer',
      headers: [['content-type', 'text/plain']],
      body: Buffer.from('one two'),
    })
  })
})
