/** What only the Python runtime does: its modules, its ways to print, its processes and threads, WSGI and ASGI. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { shimExitCodes } from '../../src/engine/worker/protocol.ts'
import { unpack } from '../../src/store/unpack.ts'
import type { BindOptions, BoundWorker, Outcome } from '../support/conformance-harness.ts'
import { rawZip } from '../support/raw-zip.ts'
import { processHarness, ShimProcess } from '../support/shim-process.ts'

const runtime = fileURLToPath(new URL('../../runtimes/python3', import.meta.url))
const conformance = processHarness(runtime)
const packages = mkdtempSync(join(tmpdir(), 'taibai-packages-'))
afterAll(() => rmSync(packages, { recursive: true, force: true }))

type Files = Record<string, string>

/** A worker bound to a package of these files; a string stands for `main.py`. */
async function bind(files: Files | string, options?: BindOptions): Promise<BoundWorker> {
  return await processHarness(runtime, packageOf(files)).bind(options)
}

/** The outcome of one call of the package. */
async function run(files: Files | string, input?: unknown, options?: BindOptions): Promise<Outcome> {
  await using worker = await bind(files, options)
  return await worker.call(input).outcome
}

/** The body of `main(event, context)`, behind the imports that it needs. */
function main(body: string, imports = 'os, sys, threading, time'): string {
  return `import ${imports}\ndef main(event, context):\n${body.replace(/^/gm, '    ')}\n`
}

function packageOf(files: Files | string): string {
  const folder = mkdtempSync(join(packages, 'package-'))
  for (const [name, text] of Object.entries(typeof files === 'string' ? { 'main.py': files } : files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const ok = 'def main(event, context): return "ok"'

describe('modules', () => {
  const kinds: [string, Files, string?][] = [
    ['a module in a package', { 'pkg/__init__.py': '', 'pkg/mod.py': ok }, 'pkg.mod.main'],
    ['a module in a folder that is not a package', { 'pkg/mod.py': ok }, 'pkg.mod.main'],
    ['a path', { 'src/app.py': 'from beside import main', 'src/beside.py': ok }, 'src/app.main'],
    ['a name that is not an identifier', { 'my-function.py': ok }, 'my-function.main'],
    ['the name of a module that the shim uses', { 'json.py': ok }, 'json.main'],
    ['the name of a module that Python itself uses', { 'time.py': ok }, 'time.main'],
    ['a method', { 'main.py': 'class A:\n  def main(self, event, context): return "ok"\nmain = A().main' }],
    [
      'an object that can be called',
      { 'main.py': 'class A:\n  def __call__(self, event, context): return "ok"\nmain = A()' },
    ],
    [
      'an object with an async call',
      { 'main.py': 'class A:\n  async def __call__(self, e, c): return "ok"\nmain = A()' },
    ],
    ['a handler without a context', { 'main.py': 'def main(event): return "ok"' }],
    ['a handler without anything', { 'main.py': 'def main(): return "ok"' }],
    [
      'a sync function around an async one',
      { 'main.py': 'async def a(): return "ok"\ndef main(event, context): return a()' },
    ],
    [
      'asyncio.run() in the handler',
      { 'main.py': 'import asyncio\nasync def a(): return "ok"\ndef main(e, c): return asyncio.run(a())' },
    ],
  ]
  test.each(kinds)('%s is a handler', async (_kind, files, entry) => {
    expect(await run(files, {}, { entry })).toMatchObject({ state: 'value', value: 'ok' })
  })

  test('a module of the package goes before one of the standard library, also in a worker that has waited', async () => {
    const files = { 'main.py': 'import logging\ndef main(e, c): return logging.name', 'logging.py': 'name = "ours"' }
    expect(await run(files)).toMatchObject({ value: 'ours' })
  })

  test('a compiled module whose source has the time that it knows is taken as it is', async () => {
    const folder = packageOf({ 'lib.py': 'x = 1', 'main.py': 'import lib\ndef main(e, c): return lib.x' })
    const time = 1_700_000_001
    utimesSync(join(folder, 'lib.py'), time, time)
    execFileSync('python3', ['-m', 'compileall', '-q', folder])
    const [compiled = ''] = readdirSync(join(folder, '__pycache__')).filter((name) => name.startsWith('lib.'))
    const zip = rawZip([
      { name: 'main.py', content: readFileSync(join(folder, 'main.py')) },
      { name: 'lib.py', content: 'x = 2', time },
      { name: `__pycache__/${compiled}`, content: readFileSync(join(folder, '__pycache__', compiled)) },
    ])
    const unpacked = join(packages, 'unpacked')
    await unpack(zip, unpacked, { maxPackageBytes: 1e6, maxUnpackedBytes: 1e6, maxPackageEntries: 100 })
    await using worker = await processHarness(runtime, unpacked).bind()
    expect(await worker.call().outcome).toMatchObject({ value: 1 })
  })

  test('a module may come compiled only', async () => {
    const folder = packageOf({ 'main.py': ok })
    execFileSync('python3', ['-m', 'compileall', '-q', '-b', folder])
    rmSync(join(folder, 'main.py'))
    await using worker = await processHarness(runtime, folder).bind()
    expect(await worker.call().outcome).toMatchObject({ value: 'ok' })
  })

  test('an import that is missing is the error of the module that wants it, not of the entry', async () => {
    await expect(bind('import nowhere_at_all')).rejects.toMatchObject({ type: 'ModuleNotFoundError' })
  })

  test('code that exits while it is loaded cannot be bound', async () => {
    await expect(bind('import sys\nsys.exit(3)')).rejects.toMatchObject({ type: 'SystemExit', message: '3' })
  })

  test('a syntax error shows file, line and text', async () => {
    const failure = await bind({ 'main.py': 'import lib', 'lib.py': 'a = 1\nb = ]\n' }).catch((error) => error)
    expect(failure).toMatchObject({ type: 'SyntaxError' })
    expect(failure.trace).toMatch(/lib\.py", line 2\n\s+b = \]/)
  })
})

describe('output', () => {
  test('child processes print into the log of the call, in order with its own prints', async () => {
    const body = 'print("one")\nos.system("echo two; echo err >&2")\nos.write(1, b"three\\n")\nprint("four")'
    await using worker = await bind(main(body))
    const call = worker.call()
    await call.outcome
    expect(call.output).toEqual({ stdout: expect.stringContaining('one\n'), stderr: 'err\n' })
    for (const line of ['two\n', 'three\n', 'four\n']) expect(call.output.stdout).toContain(line)
  })

  test('threads of the function print into the log of its call; what comes after the call belongs to none', async () => {
    const body = `def late():
    time.sleep(0.2)
    print("late")
threading.Thread(target=late).start()
quick = threading.Thread(target=lambda: print("quick"))
quick.start()
quick.join()`
    await using worker = await bind(main(body))
    const call = worker.call()
    await call.outcome
    await sleep(500)
    expect(call.output.stdout).toBe('quick\n')
    expect(worker.output.stdout).toBe('late\n')
  })

  test('sys.stdout has a buffer, a file number, and prints what UTF-8 cannot say as escapes', async () => {
    const body =
      'sys.stdout.buffer.write("grüß\\n".encode())\nprint(sys.stdout.fileno(), sys.stdout.isatty(), "\\udc80")'
    await using worker = await bind(main(body))
    const call = worker.call()
    await call.outcome
    expect(call.output.stdout).toBe('grüß\n1 False \\udc80\n')
  })

  test('half a line is to be seen before the function hangs', async () => {
    await using worker = await bind(main('print("half", end="")\ntime.sleep(60)'))
    const call = worker.call()
    await Promise.race([call.printed('half'), sleep(30_000, undefined, { ref: false })])
    expect(call.output.stdout).toBe('half')
  })

  test('logging prints the levels that the function asks for, and the logger of the context all of them', async () => {
    const body =
      'logging.getLogger().setLevel("INFO")\nlogging.getLogger("a").info("seen")\ncontext.logger.debug("too")'
    await using worker = await bind(main(body, 'logging'))
    const call = worker.call()
    await call.outcome
    expect(call.output.stderr).toBe('INFO a: seen\nDEBUG conformance: too\n')
  })
})

describe('what is fixed when a process starts', () => {
  test('a value that Python does not take is told, not passed over', async () => {
    await expect(bind(ok, { env: { PYTHONHASHSEED: 'none' } })).rejects.toMatchObject({
      type: 'PythonDidNotStart',
      message: expect.stringMatching(/^Python does not start with PYTHONHASHSEED=none: .*PYTHONHASHSEED/),
    })
  })

  test.each([
    [
      'PYTHONHASHSEED',
      '7',
      'sys.flags.hash_randomization == 0 or hash("a") == int(os.popen("PYTHONHASHSEED=7 python3 -c \'print(hash(\\"a\\"))\'").read())',
    ],
    ['PYTHONOPTIMIZE', '1', 'sys.flags.optimize == 1'],
    ['PYTHONWARNINGS', 'error', 'sys.warnoptions == ["error"]'],
    ['PYTHONDEVMODE', '1', 'sys.flags.dev_mode'],
    ['PYTHONASYNCIODEBUG', '1', '__import__("asyncio").new_event_loop().get_debug()'],
    ['LD_LIBRARY_PATH', '/opt/lib', 'os.environ["LD_LIBRARY_PATH"] == "/opt/lib"'],
  ])('%s takes effect, and nothing of how is left in the environment', async (name, value, expression) => {
    const files = main(`return [bool(${expression}), [name for name in os.environ if name.startswith("TAIBAI")]]`)
    await using worker = await bind(files, { env: { [name]: value } })
    expect(await worker.call().outcome).toMatchObject({ value: [true, []] })
  })

  test('calls are answered as usual, also those sent right behind BIND', async () => {
    await using shim = await ShimProcess.start(runtime)
    const folder = packageOf({ 'main.py': 'def main(event, context):\n    print("at work")\n    return event' })
    const binding = shim.bind(folder, { env: { PYTHONOPTIMIZE: '1' } })
    const calls = Array.from({ length: 20 }, (_, n) => shim.connection.call({ n, text: 'x'.repeat(n * 9000) }))
    await binding
    for (const [n, call] of calls.entries()) {
      expect(await call.outcome).toMatchObject({ value: { n, text: 'x'.repeat(n * 9000) } })
      expect(call.output.stdout).toBe('at work\n')
    }
    expect(shim.raw.text).toBe('')
    shim.connection.close()
    expect(await shim.exited).toBe(shimExitCodes.linkLost)
  })
})

describe('the end of a worker', () => {
  test.each([1, 4])('exit() runs what is registered with atexit, with %i calls at a time', async (concurrency) => {
    await using worker = await bind(main('atexit.register(print, "flushed")\nexit(3)', 'atexit'), { concurrency })
    const call = worker.call()
    expect(await call.outcome).toEqual({ state: 'lost' })
    expect([call.output.stdout + worker.output.stdout, await worker.exited]).toEqual(['flushed\n', 3])
  })

  test('a crash of the interpreter says where', async () => {
    await using worker = await bind(main('ctypes.string_at(0)', 'ctypes'))
    const call = worker.call()
    expect(await call.outcome).toEqual({ state: 'lost' })
    expect(call.output.stderr).toMatch(/Fatal Python error: Segmentation fault(.|\n)*main\.py", line 3 in main/)
  })
})

describe('functions that take liberties', () => {
  const alive = async (worker: BoundWorker) =>
    expect(await worker.call({ say: 1 }).outcome).toMatchObject({ state: 'value' })
  const liberties: [string, string][] = [
    ['change the folder', 'os.chdir("/")'],
    ['take away sys.stdout', 'sys.stdout = sys.stderr = None'],
    ['close the standard streams', 'if not event: os.close(1); os.close(2)'],
    ['close sys.stdout', 'sys.stdout.close()\nprint("x")'],
    ['send themselves Ctrl-C', 'import signal\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(0.01)'],
    ['recurse for ever', 'def f(): f()\ntry: f()\nexcept RecursionError: pass'],
    ['fork, and return twice', 'os.fork()'],
    ['fork, and raise in the child', 'pid = os.fork()\nif pid == 0: raise ValueError("child")\nos.waitpid(pid, 0)'],
    [
      'fork, and end the child before it has done anything',
      'for _ in range(200):\n    pid = os.fork()\n    if pid == 0: time.sleep(60)\n    os.kill(pid, 15)\n    os.waitpid(pid, 0)',
    ],
    [
      'use a pool of processes',
      'import multiprocessing\nwith multiprocessing.Pool(2) as pool: pool.map(abs, [-1, -2])',
    ],
  ]
  test.each(liberties)('the worker goes on when they %s', async (_what, body) => {
    await using worker = await bind(main(body))
    await alive(worker)
    await alive(worker)
  })

  test.each(['KeyboardInterrupt', 'GeneratorExit', 'RecursionError', 'MemoryError'])(
    '%s fails the call only',
    async (type) => {
      await using worker = await bind(main(`if event: return 1\nraise ${type}("x")`))
      expect(await worker.call().outcome).toMatchObject({ state: 'failed', type })
      await alive(worker)
    },
  )

  test('an alarm may raise between two calls', async () => {
    const files = main('signal.signal(signal.SIGALRM, ring)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)', 'signal')
    await using worker = await bind(`${files}\ndef ring(*args): raise TimeoutError("late")`)
    await alive(worker)
    await sleep(200)
    await alive(worker)
  })

  test.each([1, 4])('exit() and os._exit() end the worker with %i calls at a time', async (concurrency) => {
    for (const way of ['exit(4)', 'os._exit(4)']) {
      await using worker = await bind(main(way), { concurrency })
      expect(await worker.call().outcome).toEqual({ state: 'lost' })
      expect(await worker.exited).toBe(4)
    }
  })

  test('a context variable that a call sets is not set in the next', async () => {
    const files =
      'from contextvars import ContextVar\nv = ContextVar("v", default=0)\ndef main(e, c): v.set(v.get() + 1); return v.get()'
    await using worker = await bind(files)
    for (let n = 0; n < 2; n++) expect(await worker.call().outcome).toMatchObject({ value: 1 })
  })
})

describe('results', () => {
  const refused: [string, string][] = [
    ['NaN', 'float("nan")'],
    ['a value that contains itself', '(lambda a: a.append(a) or a)([])'],
    ['half a surrogate pair', '{"a": "\\ud800"}'],
    ['a set', '{1}'],
    ['a generator', '(x for x in [])'],
  ]
  test.each(refused)('%s is ResultNotSerializable', async (_what, value) => {
    expect(await run(main(`return ${value}`))).toMatchObject({ state: 'failed', type: 'ResultNotSerializable' })
  })

  test('an error brings along what caused it, and nothing of the shim', async () => {
    const outcome = await run(
      main('try: {}["key"]\nexcept KeyError as error: raise RuntimeError("\\udc80") from error'),
    )
    expect(outcome).toMatchObject({
      state: 'failed',
      type: 'RuntimeError',
      stack: expect.stringMatching(/KeyError(.|\n)*direct cause/),
    })
    expect(outcome).not.toMatchObject({ stack: expect.stringContaining('shim') })
  })
})

describe('calls', () => {
  test.each([
    ['before it looks', 0],
    ['while it waits', 100],
  ])('a call that holds the main thread hears of its cancellation %s', async (_when, ms) => {
    await using worker = await bind(main('return context.cancelled.wait(5)'))
    for (let n = 0; n < 3; n++) {
      const call = worker.call()
      await sleep(ms)
      call.cancel()
      expect(await call.outcome).toMatchObject({ value: true })
    }
    expect(await run(main('return bool(context.cancelled)'))).toMatchObject({ value: false })
  })

  test('async code awaits its cancellation', async () => {
    await using worker = await conformance.bind({ entry: 'async_main.main', concurrency: 2 })
    const call = worker.call({ do: 'aborted', ms: 5000 })
    const bystander = worker.call({ do: 'aborted', ms: 300 })
    await sleep(100)
    call.cancel()
    expect(await call.outcome).toMatchObject({ value: true })
    expect(await bystander.outcome).toMatchObject({ value: false })
  })

  test('async calls at the same time keep their prints apart', async () => {
    await using worker = await conformance.bind({ entry: 'async_main.main', concurrency: 8 })
    const calls = Array.from({ length: 8 }, (_, n) => worker.call({ do: 'chatter', tag: `tag-${n}`, lines: 20 }))
    for (const [n, call] of calls.entries()) {
      await call.outcome
      expect(call.output.stdout).toBe(Array.from({ length: 20 }, (_, line) => `tag-${n} ${line}\n`).join(''))
    }
  })

  test('a slow call holds up no other, though quick ones are run by the thread that reads', async () => {
    await using worker = await conformance.bind({ concurrency: 3 })
    for (let n = 0; n < 100; n++) await worker.call({ do: 'echo', value: n }).outcome
    const slow = [worker.call({ do: 'aborted', ms: 60_000 }), worker.call({ do: 'aborted', ms: 60_000 })]
    for (let n = 0; n < 20; n++) expect(await worker.call({ do: 'echo', value: n }).outcome).toMatchObject({ value: n })
    for (const call of slow) {
      call.cancel()
      expect(await call.outcome, 'it still waited').toMatchObject({ value: true })
    }
  })

  test('a task that the function leaves behind may even exit or stop the loop', async () => {
    const files = `import asyncio
async def main(event, context):
    if event: asyncio.get_running_loop().stop()
    return 1`
    await using worker = await bind(files)
    for (const event of [1, 2, 3]) expect(await worker.call(event).outcome).toMatchObject({ value: 1 })
  })
})

describe('ASGI', () => {
  const bindAsgi = (concurrency = 4) => conformance.bind({ entry: 'web_asgi.main', signature: 'http', concurrency })

  test('a small answer comes in one piece, a streamed one in several and within its credit', async () => {
    await using worker = await bindAsgi()
    expect(await worker.fetch({ target: '/hello' }).outcome).toMatchObject({ status: 200, streamed: false })
    const call = worker.fetch({ target: '/stream?chunks=1&bytes=3000000&ms=0' }, { credit: 'manual' })
    await call.received(1024 * 1024)
    await sleep(100)
    expect(call.receivedBytes).toBe(1024 * 1024)
    call.grant(2_000_000)
    expect(await call.outcome).toMatchObject({ status: 200, streamed: true })
    expect(call.receivedBytes).toBe(3_000_000)
  })

  test('a body goes in and out, prints belong to their call, errors are failures', async () => {
    await using worker = await bindAsgi(1)
    const body = Buffer.alloc(3_000_000, 'abc')
    const echo = await worker.fetch({ method: 'POST', target: '/echo', headers: [['Content-Type', 'a/b']], body })
      .outcome
    expect(echo).toMatchObject({ headers: [['content-type', 'a/b']], body })
    const print = worker.fetch({ target: '/print' })
    expect(await print.outcome).toMatchObject({ status: 204 })
    expect(print.output.stdout).toBe('web log\n')
    expect(await worker.fetch({ target: '/throw' }).outcome).toMatchObject({ state: 'failed', type: 'ValueError' })
  })

  test('a streamed answer that nobody reads any more ends', async () => {
    await using worker = await bindAsgi()
    const call = worker.fetch({ target: '/stream?chunks=64&bytes=65536&ms=0' }, { credit: 'manual' })
    await call.head
    await sleep(100)
    call.cancel()
    expect(await call.outcome).toMatchObject({ state: 'answer' })
  })

  const lifespan = (startup: string) => `
async def main(scope, receive, send):
    if scope["type"] == "lifespan":
        assert (await receive())["type"] == "lifespan.startup"
        ${startup}
        await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["state"]["db"].encode()})`

  test('the application is told to start up, and what it opened is in the state of each request', async () => {
    const startup = 'scope["state"]["db"] = "opened"; await send({"type": "lifespan.startup.complete"})'
    await using worker = await bind(lifespan(startup), { signature: 'http' })
    expect(await worker.fetch({ target: '/' }).outcome).toMatchObject({ body: Buffer.from('opened') })
  })

  test('an application that cannot start up cannot be bound', async () => {
    const startup = 'await send({"type": "lifespan.startup.failed", "message": "no database"})'
    const failure = { type: 'StartupFailed', message: 'no database' }
    await expect(bind(lifespan(startup), { signature: 'http' })).rejects.toMatchObject(failure)
  })
})

describe('where the function lives', () => {
  const request = {
    target: '/a%20b?x=1',
    prefix: '/fn/my%20shop',
    url: 'https://example.org:8443/fn/my%20shop/a%20b?x=1',
    headers: [
      ['host', 'example.org:8443'],
      ['x_forwarded_prefix', '/forged'],
    ] as [string, string][],
  }

  test('is SCRIPT_NAME and the URL that WSGI makes of it', async () => {
    const files = `from wsgiref.util import request_uri
def main(environ, start_response):
    start_response("200 OK", [])
    seen = [request_uri(environ)] + [environ.get(k) for k in ("SCRIPT_NAME", "PATH_INFO", "REQUEST_URI", "HTTP_X_FORWARDED_PREFIX")]
    return [repr(seen).encode()]`
    await using worker = await bind(files, { signature: 'http' })
    const { body } = (await worker.fetch(request).outcome) as { body: Buffer }
    expect(String(body)).toBe(
      "['https://example.org:8443/fn/my%20shop/a%20b?x=1', '/fn/my shop', '/a b', '/fn/my%20shop/a%20b?x=1', None]",
    )
  })

  test('is root_path of ASGI, with which the path begins', async () => {
    const files = `async def main(scope, receive, send):
    if scope["type"] == "lifespan": raise NotImplementedError
    seen = [scope[k] for k in ("scheme", "server", "root_path", "path", "raw_path", "query_string")]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": repr(seen).encode()})`
    await using worker = await bind(files, { signature: 'http' })
    const { body } = (await worker.fetch(request).outcome) as { body: Buffer }
    expect(String(body)).toBe(
      "['https', ('example.org', 8443), '/fn/my shop', '/fn/my shop/a b', b'/fn/my%20shop/a%20b', b'x=1']",
    )
  })
})

describe('WSGI', () => {
  test('an application gets what its specification promises', async () => {
    const files = `from wsgiref.validate import validator
def app(environ, start_response):
    seen = [environ[k] for k in ("PATH_INFO", "QUERY_STRING", "HTTP_X_A", "SERVER_NAME", "SERVER_PORT", "CONTENT_LENGTH")]
    write = start_response("201 Created", [("Content-Type", "text/plain")])
    write(b"written ")
    return [repr(seen).encode(), b" ", environ["wsgi.input"].read(3)]
main = validator(app)`
    await using worker = await bind(files, { signature: 'http' })
    const headers: [string, string][] = [
      ['Host', 'example.org:81'],
      ['X-A', '1'],
      ['x-a', '2'],
    ]
    const outcome = await worker.fetch({ method: 'POST', target: '/a%20b?x=1', headers, body: 'abc' }).outcome
    expect(outcome).toMatchObject({ status: 201, headers: [['Content-Type', 'text/plain']] })
    expect(String((outcome as { body: Buffer }).body)).toBe(
      "written ['/a b', 'x=1', '1,2', 'example.org', '81', '3'] abc",
    )
  })

  test('an answer whose length is known is held until it is whole; its iterable is closed', async () => {
    const files = `class Parts:
    def __iter__(self): return iter([b"a", b"b"])
    def close(self): print("closed")
def main(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return Parts()`
    await using worker = await bind(files, { signature: 'http' })
    const call = worker.fetch({ target: '/' })
    expect(await call.outcome).toMatchObject({ streamed: false, body: Buffer.from('ab') })
    expect(call.output.stdout).toBe('closed\n')
  })

  test('a call that did not come over HTTP is a POST of its input', async () => {
    const files = `def main(environ, start_response):
    start_response("200 OK", [("content-type", environ["CONTENT_TYPE"])])
    return [environ["REQUEST_METHOD"].encode(), environ["wsgi.input"].read()]`
    await using worker = await bind(files, { signature: 'http' })
    const headers = [['content-type', 'application/json']]
    expect(await worker.call({ a: 1 }).outcome).toMatchObject({ headers, body: Buffer.from('POST{"a":1}') })
  })

  test('an error behind the beginning of a streamed answer is a failure', async () => {
    const files = `def main(environ, start_response):
    start_response("200 OK", [])
    yield b"x"
    raise ValueError("midway")`
    await using worker = await bind(files, { signature: 'http' })
    expect(await worker.fetch({ target: '/' }).outcome).toMatchObject({ state: 'failed', message: 'midway' })
  })
})
