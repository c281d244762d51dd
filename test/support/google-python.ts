/** Functions for the Functions Framework of Python, and what is seen of them: with the framework of the platform, or of PyPI. */
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { BindOptions, BoundWorker, HttpRequest } from './conformance-harness.ts'
import { packageFolders } from './packages.ts'
import { processHarness } from './shim-process.ts'

const runtime = fileURLToPath(new URL('../../runtimes/python3', import.meta.url))
const folder = packageFolders()

const code = `
import functions_framework
from flask import abort, jsonify, make_response

@functions_framework.http
def hello(request):
    data = request.get_json(silent=True) or {}
    return f"Hello {request.args.get('name') or data.get('name') or 'World'}!"

@functions_framework.http
def whole(request):
    if request.path == '/missing': abort(404)
    return jsonify(method=request.method, path=request.path, body=request.get_data(as_text=True)), 201, {'x-a': '1'}

@functions_framework.http
def throws(request):
    raise ValueError('as asked')

@functions_framework.cloud_event
def events(event):
    print(event['type'], event['id'], event.data, event.get('subject'))
    if event.data and event.data.get('fail'): raise ValueError('no')

class Point:
    def __init__(self, x): self.x = x
    @staticmethod
    def from_dict(given): return Point(given['x'])
    def to_dict(self): return {'x': self.x + 1}

@functions_framework.typed(Point)
def typed(point): return point

def first(data, context): print(data, context.event_type, context.event_id)
`

/** `packages`: a folder of PyPI's, in whose place the platform's own are. */
export function googleFunctions(packages?: string): void {
  const bind = (entry: string, env: Record<string, string> = {}, files: Record<string, string> = { 'main.py': code }) =>
    processHarness(runtime, folder(files)).bind({
      signature: 'gcf',
      entry,
      env: { ...env, ...(packages !== undefined && { PYTHONPATH: packages }) },
    } satisfies BindOptions)

  test('an HTTP function gets the request of Flask', async () => {
    await using worker = await bind('hello')
    expect(await answered(worker, { target: '/?name=Ada' })).toMatchObject({ status: 200, body: 'Hello Ada!' })
    const posted = { method: 'POST', target: '/', headers: json, body: '{"name":"Bob"}' }
    expect(await answered(worker, posted)).toMatchObject({ body: 'Hello Bob!' })
    expect(await answered(worker, { target: '/robots.txt' })).toMatchObject({ status: 404 })
    expect(await worker.call({ name: 'Eve' }).outcome).toMatchObject({ kind: 'text', value: 'Hello Eve!' })
  })

  test('the function sees the whole request, and answers as Flask takes it', async () => {
    await using worker = await bind('whole')
    const { status, headers, body } = await answered(worker, { method: 'PUT', target: '/a/b?c=1', body: 'text' })
    expect([status, headers['x-a'], JSON.parse(body)]).toEqual([
      201,
      '1',
      { method: 'PUT', path: '/a/b', body: 'text' },
    ])
    expect((await answered(worker, { target: '/missing' })).status).toBe(404)
    expect(await worker.call({ n: 1 }).outcome).toMatchObject({ kind: 'json', value: { method: 'POST', path: '/' } })
  })

  test('what is thrown answers 500 as the framework does, and fails a call', async () => {
    await using worker = await bind('throws')
    const { status, headers } = await answered(worker, { target: '/' })
    expect([status, headers['X-Google-Status'] ?? headers['x-google-status']]).toEqual([500, 'crash'])
    expect(await worker.call({}).outcome).toMatchObject({ state: 'failed', type: 'ServerError' })
  })

  test('a CloudEvent function takes events in each mode', async () => {
    await using worker = await bind('events')
    const event = { specversion: '1.0', id: '1', source: '/s', type: 'a.b', subject: 'x', data: { n: 1 } }
    for (const request of [
      { headers: binary, body: '{"n":1}' },
      {
        headers: [['content-type', 'application/cloudevents+json']] as [string, string][],
        body: JSON.stringify(event),
      },
    ]) {
      const call = worker.fetch({ method: 'POST', target: '/', ...request })
      expect(await call.outcome).toMatchObject({ state: 'answer', status: 200, body: Buffer.from('OK') })
      expect(call.output.stdout).toBe("a.b 1 {'n': 1} x\n")
    }
    expect(await worker.call(event).outcome).toMatchObject({ value: 'OK' })
    expect(await worker.call({ ...event, data: { fail: 1 } }).outcome).toMatchObject({ state: 'failed' })
  })

  test('typed functions, and those of the first generation', async () => {
    await using typed = await bind('typed')
    expect(await answered(typed, { method: 'POST', target: '/', headers: json, body: '{"x":1}' })).toMatchObject({
      body: '{"x": 2}',
    })
    await using first = await bind('first', { FUNCTION_SIGNATURE_TYPE: 'event' })
    const call = first.call({ context: { eventId: '9', timestamp: '', eventType: 't', resource: 'r' }, data: { a: 1 } })
    expect(await call.outcome).toMatchObject({ value: 'OK' })
    expect(call.output.stdout).toBe("{'a': 1} t 9\n")
  })

  describe('is refused in the words of the framework', () => {
    test('a target that is not there', async () => {
      await expect(bind('nothing')).rejects.toThrow(/expected to contain a function named 'nothing'. Found: .*'hello'/)
    })

    test('a package without main.py', async () => {
      await expect(bind('x', {}, { 'README.md': '' })).rejects.toThrow(
        /main.py that is expected to define function doesn't exist/,
      )
    })
  })
}

const json: [string, string][] = [['content-type', 'application/json']]
const binary: [string, string][] = [
  ['ce-id', '1'],
  ['ce-source', '/s'],
  ['ce-specversion', '1.0'],
  ['ce-type', 'a.b'],
  ['ce-subject', 'x'],
  ['content-type', 'application/json'],
]

async function answered(worker: BoundWorker, request: HttpRequest) {
  const outcome = await worker.fetch(request).outcome
  if (outcome.state !== 'answer') throw new Error(JSON.stringify(outcome))
  return { status: outcome.status, headers: Object.fromEntries(outcome.headers), body: outcome.body.toString() }
}
