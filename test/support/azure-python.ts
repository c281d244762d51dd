/** Apps of Azure Functions for Python, and what is seen of them: with the library of the platform, or of PyPI. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { eventGridAnswers } from './azure-event-grid.ts'
import type { BoundWorker, HttpRequest } from './conformance-harness.ts'
import { packageFolders } from './packages.ts'
import { processHarness } from './shim-process.ts'

const runtime = fileURLToPath(new URL('../../runtimes/python3', import.meta.url))
const folder = packageFolders()
const json: [string, string][] = [['content-type', 'application/json']]

const v2 = {
  'function_app.py': `
import logging, os
import azure.functions as func
from orders import bp

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(bp)

@app.route(route="hello")
def hello(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    logging.info('called %s', context.function_name)
    name = req.params.get('name')
    if not name and req.get_body(): name = req.get_json().get('name')
    return func.HttpResponse(f"Hello, {name or 'world'}!", status_code=201, headers={'X-A': '1'})

@app.route(route="items/{id:int}/{*rest}", methods=["GET"])
async def item(req: func.HttpRequest) -> str:
    return f"{req.route_params['id']} {req.route_params.get('rest')} {req.url} {os.environ['GREETING']}"

@app.route(route="items/7")
def literal(req): return 'literal'

@app.route()
def nothing(req): return None

@app.route()
def throws(req): raise ValueError('secret')

@app.route()
def odd(req): return 5

@app.route(auth_level=func.AuthLevel.FUNCTION)
def keyed(req): return 'in'

@app.route()
@app.queue_output(arg_name="many", queue_name="orders", connection="C")
@app.service_bus_topic_output(arg_name="news", topic_name="news", connection="C")
def order(req, many: func.Out[list], news: func.Out[bytes]):
    many.set(['a', {'n': 1}, func.QueueMessage(body='body')])
    news.set(b'bytes')
    return func.HttpResponse(status_code=202)

@app.timer_trigger(schedule="%SCHEDULE%", arg_name="timer", run_on_startup=False)
@app.queue_output(arg_name="out", queue_name="later", connection="C")
def nightly(timer: func.TimerRequest, out: func.Out[str]) -> None:
    out.set('done')
    print('late', timer.past_due)
`,
  'orders.py': `
import azure.functions as func
bp = func.Blueprint()

@bp.queue_trigger(arg_name="msg", queue_name="orders", connection="C")
def orders(msg: func.QueueMessage):
    if msg.get_body() == b'bad': raise RuntimeError('bad order')
    return {'id': msg.id, 'body': msg.get_json(), 'count': msg.dequeue_count}
`,
  'host.json': '{"version": "2.0"}',
  'local.settings.json': '{"IsEncrypted": false, "Values": {"SCHEDULE": "0 */5 * * * *", "GREETING": "hi"}}',
}

const v1 = {
  'host.json': '{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}',
  'hello/function.json': JSON.stringify({
    bindings: [
      { type: 'httpTrigger', direction: 'in', name: 'req', authLevel: 'anonymous', route: 'hello/{name?}' },
      { type: 'http', direction: 'out', name: '$return' },
    ],
  }),
  'hello/__init__.py': `
import azure.functions as func
from . import words
from ..shared import greeting

def main(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(greeting.of(req.route_params.get('name', words.NOBODY)))
`,
  'hello/words.py': "NOBODY = 'nobody'",
  'shared/greeting.py': "def of(name): return 'Hello, ' + name",
  'tick/function.json': JSON.stringify({
    scriptFile: 'run.py',
    entryPoint: 'tick',
    bindings: [{ type: 'timerTrigger', direction: 'in', name: 'timer', schedule: '0 0 3 * * *' }],
  }),
  'tick/run.py': "def tick(timer): print('tick', timer.past_due)",
}

/** `packages`: a folder of PyPI's, in whose place the platform's own are. */
export function azureApps(packages?: string): void {
  const bind = (files: Record<string, string>) =>
    processHarness(runtime, folder(files)).bind({
      signature: 'azure',
      entry: 'app',
      env: packages === undefined ? {} : { PYTHONPATH: packages },
    })

  test('HTTP functions of version 2 answer at their routes', async () => {
    await using worker = await bind(v2)
    const posted = { method: 'POST', target: '/api/hello', headers: json, body: '{"name":"Ada"}' }
    const { status, headers, body } = await answered(worker, posted)
    expect([status, headers['x-a'], headers['content-type'], body]).toEqual([
      201,
      '1',
      'text/plain; charset=utf-8',
      'Hello, Ada!',
    ])
    expect((await answered(worker, { target: '/api/hello?name=Bob' })).body).toBe('Hello, Bob!')
    const url = 'https://h/fn/app/api/items/9/a/b'
    expect((await answered(worker, { target: '/api/items/9/a/b', url })).body).toBe(`9 a/b ${url} hi`)
    expect((await answered(worker, { target: '/api/items/7' })).body).toBe('literal')
    for (const [method, target, expected] of [
      ['GET', '/api/items/x', 404],
      ['POST', '/api/items/9/a', 404],
      ['GET', '/hello', 404],
      ['GET', '/api/nothing', 204],
      ['GET', '/api/throws', 500],
      ['GET', '/api/odd', 500],
      ['GET', '/api/keyed', 401],
    ] as const) {
      expect([target, (await answered(worker, { method, target })).status]).toEqual([target, expected])
    }
    expect((await answered(worker, { target: '/api/keyed', key: 'function' })).body).toBe('in')
  })

  test('timers and queues are called by name', async () => {
    await using worker = await bind(v2)
    const timer = worker.call({ target: 'nightly' })
    expect(await timer.outcome).toMatchObject({
      ...{ state: 'value', value: null },
      outputs: [{ name: 'out', type: 'queue', to: 'later', messages: ['done'] }],
    })
    expect(timer.output.stdout).toBe('late False\n')
    const late = worker.call({ target: 'nightly', input: { ScheduleStatus: { Last: 'x' }, IsPastDue: true } })
    await late.outcome
    expect(late.output.stdout).toBe('late True\n')
    expect(await worker.fetch({ target: '/api/order' }).outcome).toMatchObject({
      status: 202,
      outputs: [
        { name: 'news', type: 'serviceBus', to: 'news', messages: ['bytes'] },
        { name: 'many', type: 'queue', to: 'orders', messages: ['a', '{"n": 1}', 'body'] },
      ],
    })
    const executionId = '0192f5a0-0000-7000-8000-00000000abcd'
    const queue = await worker.call({ target: 'orders', input: { n: 1 } }, { executionId }).outcome
    expect(queue).toMatchObject({ value: { id: executionId, body: { n: 1 }, count: 1 } })
    const again = await worker.call({ target: 'orders', input: {} }, { attempt: 3 }).outcome
    expect(again).toMatchObject({ value: { count: 3 } })
    const bad = await worker.call({ target: 'orders', input: 'bad' }).outcome
    expect(bad).toMatchObject({ state: 'failed', type: 'RuntimeError' })
    expect(await worker.call({ target: 'hello', input: { name: 'Eve' } }).outcome).toMatchObject({
      value: 'Hello, Eve!',
    })
    expect(await worker.call({ target: 'nobody' }).outcome).toMatchObject({ type: 'NoSuchFunction' })
  })

  test('events of Event Grid come by its webhook, in its schema or as CloudEvents, after the handshake', async () => {
    const code = `
import json
import azure.functions as func
app = func.FunctionApp()

@app.event_grid_trigger(arg_name="event")
@app.queue_output(arg_name="out", queue_name="seen", connection="C")
def photos(event, out: func.Out[str]):
    if event.subject == 'bad': raise ValueError('bad event')
    out.set(json.dumps({'id': event.id, 'subject': event.subject, 'data': event.get_json() if hasattr(event, 'get_json') else event.data}))

@app.timer_trigger(schedule="0 0 3 * * *", arg_name="timer")
def tick(timer): pass

@app.route(route="{*rest}")
def every(req): return 'caught'
`
    const host = '{"extensions": {"http": {"routePrefix": ""}}}'
    await using worker = await bind({ 'function_app.py': code, 'host.json': host })
    await eventGridAnswers(worker)
  })

  test('folders of version 1 are packages of one app', async () => {
    await using worker = await bind(v1)
    expect((await answered(worker, { target: '/hello' })).body).toBe('Hello, nobody')
    expect((await answered(worker, { target: '/HELLO/Ada%20L' })).body).toBe('Hello, Ada L')
    const tick = worker.call({ target: 'tick' })
    expect(await tick.outcome).toMatchObject({ state: 'value' })
    expect(tick.output.stdout).toBe('tick False\n')
  })

  test.each([
    ['AsgiFunctionApp', 'asgi'],
    ['WsgiFunctionApp', 'wsgi'],
  ])('%s answers on every path', async (kind, callable) => {
    const code = `
import azure.functions as func

def wsgi(environ, start_response):
    start_response('202 Accepted', [('Content-Type', 'text/plain')])
    return [environ['PATH_INFO'].encode()]

async def asgi(scope, receive, send):
    if scope['type'] == 'lifespan':
        while True:
            event = await receive()
            await send({'type': event['type'] + '.complete'})
            if event['type'] == 'lifespan.shutdown': return
    await send({'type': 'http.response.start', 'status': 202, 'headers': [(b'content-type', b'text/plain')]})
    await send({'type': 'http.response.body', 'body': scope['path'].encode()})

app = func.${kind}(app=${callable}, http_auth_level=func.AuthLevel.ANONYMOUS)
`
    await using worker = await bind({ 'function_app.py': code, 'host.json': '{}' })
    const url = 'http://h/api/a/b'
    expect(await answered(worker, { target: '/api/a/b', url })).toMatchObject({ status: 202, body: '/api/a/b' })
  })

  test.each<[string, Record<string, string>, RegExp]>([
    ['no FunctionApp', { ...v2, 'function_app.py': 'x = 1' }, /no instance of FunctionApp/],
    ['no function', { 'host.json': '{}' }, /neither function_app.py nor a folder/],
    [
      'an input binding that reads a storage',
      {
        'host.json': '{}',
        'a/__init__.py': 'def main(req, photo): pass',
        'a/function.json':
          '{"bindings":[{"type":"httpTrigger","direction":"in","name":"req"},{"type":"blob","direction":"in","name":"photo"}]}',
      },
      /input binding "photo" \(blob\)/,
    ],
  ])('%s is refused', async (_name, files, message) => {
    await expect(bind(files)).rejects.toThrow(message)
  })
}

async function answered(worker: BoundWorker, request: HttpRequest) {
  const outcome = await worker.fetch(request).outcome
  if (outcome.state !== 'answer') throw new Error(JSON.stringify(outcome))
  return { status: outcome.status, headers: Object.fromEntries(outcome.headers), body: outcome.body.toString() }
}
