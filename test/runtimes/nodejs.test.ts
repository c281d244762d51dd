/** What only the Node.js runtime does: its kinds of modules, its console, its handlers. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { bundledSucrase } from '../../scripts/vendor-sucrase.ts'
import { FrameType, shimExitCodes } from '../../src/engine/worker/protocol.ts'
import type { BindOptions, BoundWorker, Outcome } from '../support/conformance-harness.ts'
import { processHarness, ShimProcess } from '../support/shim-process.ts'
import { openStackSession } from '../support/shim-protocol-list.ts'
import { waitUntil } from '../support/wait-until.ts'

const runtime = fileURLToPath(new URL('../../runtimes/nodejs', import.meta.url))
const packages = mkdtempSync(join(tmpdir(), 'taibai-packages-'))
afterAll(() => rmSync(packages, { recursive: true, force: true }))

type Files = Record<string, string>

/** A worker bound to a package of these files; a string stands for `main.mjs`. */
async function bind(files: Files | string, options?: BindOptions): Promise<BoundWorker> {
  return await processHarness(runtime, packageOf(files)).bind(options)
}

/** The outcome of one call of the package. */
async function run(files: Files | string, input?: unknown, options?: BindOptions): Promise<Outcome> {
  await using worker = await bind(files, options)
  return await worker.call(input).outcome
}

function packageOf(files: Files | string): string {
  const folder = mkdtempSync(join(packages, 'package-'))
  for (const [name, text] of Object.entries(typeof files === 'string' ? { 'main.mjs': files } : files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

test('a worker that has waited, and so is warmed up, serves as one that had its function at once', async () => {
  await using shim = await ShimProcess.start(runtime)
  await sleep(300)
  await shim.bind(
    packageOf('export const main = (event, { signal }) => [event, signal.aborted, Object.keys(globalThis)]'),
  )
  await using other = await bind(
    'export const main = (event, { signal }) => [event, signal.aborted, Object.keys(globalThis)]',
  )
  const outcome = (await shim.connection.call({ n: 1 }).outcome) as { value: unknown }
  expect(outcome.value).toEqual(((await other.call({ n: 1 }).outcome) as { value: unknown }).value)
  expect(shim.raw.text).toBe('')
})

describe('modules', () => {
  const kinds: [string, Files, string?][] = [
    ['an ES module', { 'main.mjs': 'export const main = () => "ok"' }],
    ['a CommonJS module', { 'main.cjs': 'exports.main = () => "ok"' }],
    ['a .js file with CommonJS in it', { 'main.js': 'exports.main = () => "ok"' }],
    ['a .js file with an ES module in it', { 'main.js': 'export const main = () => "ok"' }],
    [
      'a .js file of a package of ES modules',
      { 'main.js': 'export const main = () => "ok"', 'package.json': '{"type": "module"}' },
    ],
    ['TypeScript', { 'main.ts': 'export const main = (event: unknown): string => "ok" as string' }],
    ['TypeScript as an ES module', { 'main.mts': 'export const main = (): string => "ok"' }],
    ['TypeScript as CommonJS', { 'main.cts': 'exports.main = (): string => "ok"' }],
    ['a module in a folder', { 'src/app.mjs': 'export const handler = () => "ok"' }, 'src/app.handler'],
    ['the index of a folder', { 'app/index.js': 'exports.handler = () => "ok"' }, 'app.handler'],
    ['a module named with its extension', { 'app.mjs': 'export const go = () => "ok"' }, 'app.mjs.go'],
    ['a default export', { 'main.mjs': 'export default () => "ok"' }, 'main.default'],
    ['a default export that is all there is', { 'main.mjs': 'export default async () => "ok"' }],
    ['module.exports = a function', { 'main.js': 'module.exports = () => "ok"' }],
    ['module.exports = a function, by its name', { 'main.cjs': 'module.exports = () => "ok"' }, 'main.default'],
    ['exports that TypeScript compiled', { 'main.js': 'exports.__esModule = true; exports.default = () => "ok"' }],
    ['a callable of the default export', { 'main.mjs': 'export default { main: () => "ok" }' }],
    [
      'CommonJS exports that only show at run time',
      { 'main.cjs': 'const all = {}; all["ma" + "in"] = () => "ok"; module.exports = all' },
    ],
    [
      'a module with a dependency in its package',
      {
        'main.mjs': 'import { answer } from "dep"; export const main = () => answer',
        'node_modules/dep/package.json': '{"name": "dep", "main": "index.js"}',
        'node_modules/dep/index.js': 'exports.answer = "ok"',
      },
    ],
    ['top-level await', { 'main.mjs': 'const value = await Promise.resolve("ok"); export const main = () => value' }],
  ]
  test.each(kinds)('%s is loaded', async (_kind, files, entry) => {
    expect(await run(files, undefined, { entry })).toMatchObject({ state: 'value', value: 'ok' })
  })

  test('the place of a syntax error is in its message, also in a module that is imported', async () => {
    const files = {
      'main.mjs': 'import "./lib/broken.mjs"\nexport const main = () => 1',
      'lib/broken.mjs': 'const a = 1\nconst b = ]\n',
    }
    await expect(bind(files)).rejects.toMatchObject({
      type: 'SyntaxError',
      message: expect.stringContaining('lib/broken.mjs:2'),
      trace: expect.stringContaining('const b = ]'),
    })
  })

  test('a SyntaxError that code throws while loading is its own, and it is not loaded twice', async () => {
    const main = 'console.log("loaded once")\nJSON.parse("{")\nexport const main = () => 1'
    const failure = await bind(main).catch((error) => error)
    expect(failure).toMatchObject({ type: 'SyntaxError', trace: expect.stringContaining('at main.mjs:2:6') })
    expect(failure.output.stdout).toBe('loaded once\n')
  })

  test('a syntax error in CommonJS is shown with its place', async () => {
    await expect(bind({ 'main.cjs': 'const a = 1\nconst b = ]\n' })).rejects.toMatchObject({
      type: 'SyntaxError',
      trace: expect.stringMatching(/^main\.cjs:2\nconst b = ]/),
    })
  })

  test('a missing dependency is named', async () => {
    await expect(bind('import "left-pad"\nexport const main = () => 1')).rejects.toMatchObject({
      message: expect.stringContaining("'left-pad'"),
    })
  })

  test('an export that is not a function is refused', async () => {
    await expect(bind('export const main = { a: 1 }')).rejects.toMatchObject({
      type: 'EntryNotFound',
      message: expect.stringContaining('{ a: 1 }'),
    })
  })

  test('an entry of Qinling is split at the first dot', async () => {
    const files = { 'main.js': 'exports.main = (context, input) => input.name' }
    const outcome = await run(files, { name: 'x' }, { entry: 'main.main.more', signature: 'qinling' })
    expect(outcome).toMatchObject({ value: 'x' })
  })
})

describe('handlers', () => {
  test('a Lambda callback answers', async () => {
    const main = 'export const main = (event, context, callback) => { setTimeout(() => callback(null, { event }), 5) }'
    expect(await run(main, 7)).toMatchObject({ kind: 'json', value: { event: 7 } })
  })

  test('a Lambda callback fails with the error it is given', async () => {
    const main = 'export const main = (event, context, callback) => { callback(new RangeError("no")) }'
    expect(await run(main)).toMatchObject({ state: 'failed', type: 'RangeError', message: 'no' })
  })

  test('an async handler with a callback parameter may ignore it', async () => {
    const main = 'export const main = async (event, context, callback) => "promised"'
    expect(await run(main)).toMatchObject({ value: 'promised' })
  })

  test('a thenable that is not a promise is waited for', async () => {
    const main = 'export const main = () => ({ then: (resolve) => { resolve("first"); resolve("second") } })'
    expect(await run(main)).toMatchObject({ value: 'first' })
  })

  test('the context has the names that AWS Lambda uses, and may be copied', async () => {
    const main = `export const main = (event, context) => {
      const copy = { ...context }
      return [copy.awsRequestId, copy.functionName, copy.memoryLimitInMB, copy.getRemainingTimeInMillis() > 1000,
        copy.signal.aborted, typeof copy.log.info]
    }`
    expect(await run(main)).toMatchObject({ value: ['e-1', 'conformance', '256', true, false, 'function'] })
  })

  test('a function loaded without a trace in the environment finds no setting of the shim', async () => {
    const main = 'export const main = () => Object.keys(process.env).filter((name) => name.startsWith("TAIBAI"))'
    expect(await run(main)).toMatchObject({ value: [] })
  })

  test('a function that replaces what the shim uses is still answered', async () => {
    const main = `
      JSON.stringify = JSON.parse = () => { throw new Error("mine") }
      Promise.prototype.then = Math.round = Math.min = performance.now = Date.now = undefined
      process.nextTick = process.cpuUsage = process.exit = console.log = undefined
      export const main = async (event) => event`
    await using worker = await bind(main)
    expect(await worker.call({ a: 1 }).outcome).toMatchObject({ kind: 'json', value: { a: 1 } })
    expect(await worker.call({ a: 2 }).outcome).toMatchObject({ value: { a: 2 } })
  })
})

test('a default export stands for no other name when there are others', async () => {
  const main = 'export default () => 1; export const handler = () => 2'
  await expect(bind(main)).rejects.toMatchObject({
    type: 'EntryNotFound',
    message: expect.stringContaining('it exports default, handler'),
  })
})

describe('TypeScript and JSX', () => {
  const shapes = `export interface Shape { area(): number }
    export enum Color { Red = 'red', Blue = 'blue' }`

  test('enums, parameter properties, namespaces, and imports that only types are taken from', async () => {
    const files = {
      'main.ts': `import { Shape, Color } from './lib/shapes'
        import { unit } from './lib/unit.js'
        import type { Nothing } from './nowhere'
        class Square implements Shape {
          constructor(private readonly side: number, public color: Color = Color.Blue) {}
          area(): number { return this.side * this.side * unit.of }
        }
        const enum Size { Small = 3 }
        export const main = (event: unknown): unknown[] => {
          const square: Square = new Square(Size.Small)
          return [square.area(), square.color, <T,>(x: T): T => x] satisfies unknown[] as unknown[]
        }`,
      'lib/shapes.ts': shapes,
      'lib/unit.ts': 'export namespace unit { export const of: number = 2 }',
    }
    expect(await run(files)).toMatchObject({ value: [18, 'blue', null] })
  })

  test('TypeScript as CommonJS', async () => {
    const files = {
      'main.ts': `import { Color, Shape } from './shapes'
        const main = (event: Shape): Color => Color.Red
        export = { main }`,
      'shapes.ts': `enum Color { Red = 'red' }\nexports.Color = Color`,
    }
    expect(await run(files)).toMatchObject({ value: 'red' })
  })

  test('the path of its file in an ES module, as compilers to CommonJS give it, unless it declares that itself', async () => {
    const files = {
      'main.ts': `import { basename } from 'node:path'
        import { __filename as own } from './own'
        import { taken } from './taken'
        export const main = (): unknown[] => [basename(__filename), basename(__dirname + '/x'), own, taken]`,
      'own.ts': `import { dirname } from 'node:path'
        import { fileURLToPath } from 'node:url'
        const __dirname: string = dirname(fileURLToPath(import.meta.url))
        export const __filename = __dirname === dirname(fileURLToPath(import.meta.url)) ? 'its own' : ''`,
      'taken.ts': `import { __dirname } from './paths'
        export const taken = __dirname`,
      'paths.ts': `const paths = { __dirname: 'imported' }
        export const { __dirname } = paths`,
    }
    expect(await run(files)).toMatchObject({ value: ['main.ts', 'x', 'its own', 'imported'] })
  })

  test('JSX with what tsconfig.json names, or with what the file names', async () => {
    const runtimeOf = (name: string) =>
      `export const jsx = (type, props) => typeof type === 'function' ? type(props) : '${name}:' + type + JSON.stringify(props)
       export const jsxs = jsx`
    const files = {
      'tsconfig.json': '{ // comments\n "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "mine", }, }',
      'node_modules/mine/package.json': '{"name": "mine", "type": "module", "exports": {"./jsx-runtime": "./x.js"}}',
      'node_modules/mine/x.js': runtimeOf('mine'),
      'node_modules/its/package.json': '{"name": "its", "type": "module", "exports": {"./jsx-runtime": "./x.js"}}',
      'node_modules/its/x.js': runtimeOf('its'),
      'main.tsx': `import { Hello } from './hello.js'
        export const main = (event: string) => [<b id="1">{event}</b>, Hello({ name: event })]`,
      'hello.tsx': `/** @jsxImportSource its */
        interface Props { name: string }
        export const Hello = ({ name }: Props) => <i>{name}</i>`,
    }
    expect(await run(files, 'x')).toMatchObject({ value: ['mine:b{"id":"1","children":"x"}', 'its:i{"children":"x"}'] })
  })

  test('an error names the line as it was written', async () => {
    const files = {
      'main.ts': 'enum A { B }\ninterface C {\n  d: A\n}\nexport const main = (): C => {\n  throw new Error("here")\n}',
    }
    expect(await run(files)).toMatchObject({ message: 'here', stack: expect.stringContaining('main.ts:6:') })
  })

  test('a syntax error names the file and the place', async () => {
    await expect(bind({ 'main.ts': 'export const main = (): number => {\n  return 1 +\n}' })).rejects.toMatchObject({
      type: 'SyntaxError',
      message: expect.stringMatching(/^main\.ts: .*\(\d:\d+\)$/),
    })
  })

  test('the compiler is the one of the package', async () => {
    expect(readFileSync(join(runtime, 'shim/vendor/sucrase.cjs'), 'utf8')).toBe(await bundledSucrase())
  })
})

describe('what is fixed when a process starts', () => {
  const withOptions = (options: string, more: Record<string, string> = {}) => ({
    env: { NODE_OPTIONS: options, ...more },
  })

  test('a NODE_OPTIONS that Node.js does not accept is reported, not ignored', async () => {
    await expect(bind('export const main = () => 1', withOptions('--no-such-option'))).rejects.toMatchObject({
      type: 'NodeDidNotStart',
      message: expect.stringMatching(/NODE_OPTIONS=--no-such-option: .*--no-such-option is not allowed/),
    })
  })

  test('NODE_OPTIONS takes effect, its paths begin in the package, and nothing of how is left in the environment', async () => {
    const files = {
      'main.mjs': `export const main = () => [process.title, globalThis.instrumented, process.cwd() === import.meta.dirname,
        Object.keys(process.env).filter((name) => name.startsWith('TAIBAI'))]`,
      'instrument.cjs': 'globalThis.instrumented = true',
    }
    const outcome = await run(files, undefined, withOptions('--title=mine --require ./instrument.cjs'))
    expect(outcome).toMatchObject({ value: ['mine', true, true, []] })
  })

  test.each([
    ['NODE_PATH', '/opt/somewhere', '(await import("node:module")).globalPaths.includes("/opt/somewhere")'],
    ['NODE_EXTRA_CA_CERTS', '/nowhere.pem', 'process.env.NODE_EXTRA_CA_CERTS === "/nowhere.pem"'],
    ['UV_THREADPOOL_SIZE', '1', '(await threads()) === 1'],
  ])('%s takes effect', async (name, value, expression) => {
    const main = `import { promises } from 'node:fs'
      import { readdirSync, readFileSync } from 'node:fs'
      const threads = async () => {
        await Promise.all(Array.from({ length: 50 }, () => promises.stat('/')))
        const names = readdirSync('/proc/self/task').map((id) => readFileSync('/proc/self/task/' + id + '/comm', 'utf8'))
        return names.filter((name) => name.startsWith('libuv-worker')).length
      }
      export const main = async () => ${expression}`
    expect(await run(main, undefined, { env: { [name]: value } })).toMatchObject({ value: true })
  })

  test('a heap larger than that of a generic worker is given to a function that has the memory', async () => {
    const main = `import v8 from 'node:v8'
      export const main = () => Math.round(v8.getHeapStatistics().heap_size_limit / 2 ** 20)`
    const outcome = await run(main, undefined, { memoryBytes: 3 * 2 ** 30 })
    expect((outcome as { value: number }).value).toBeGreaterThanOrEqual(3072)
  })

  test('a heap that NODE_OPTIONS limits is limited', async () => {
    const main = `import v8 from 'node:v8'
      export const main = () => Math.round(v8.getHeapStatistics().heap_size_limit / 2 ** 20)`
    const outcome = await run(main, undefined, withOptions('--max-old-space-size=50'))
    expect((outcome as { value: number }).value).toBeLessThan(300)
  })

  test('calls and what belongs to them are answered as usual, also those sent right behind BIND', async () => {
    await using shim = await ShimProcess.start(runtime)
    const folder = packageOf(
      'export const main = (event, context) => { console.log("at work"); return [event, context.openstack?.token] }',
    )
    const binding = shim.bind(folder, withOptions('--title=x'))
    shim.connection.send(FrameType.session, 0, openStackSession('token-1'))
    const calls = Array.from({ length: 20 }, (_, n) => shim.connection.call({ n, text: 'x'.repeat(n * 9000) }))
    await binding
    for (const [n, call] of calls.entries()) {
      expect(await call.outcome).toMatchObject({ value: [{ n, text: 'x'.repeat(n * 9000) }, 'token-1'] })
      expect(call.output.stdout).toBe('at work\n')
    }
    expect(shim.raw.text).toBe('')
    shim.connection.close()
    expect(await shim.exited).toBe(shimExitCodes.linkLost)
  })

  test.each([
    ['exits', 'process.exit(3)', 3],
    ['kills itself', 'process.kill(process.pid, "SIGKILL")', null],
  ])('a function that %s ends its worker in the same way', async (_what, statement, code) => {
    await using worker = await bind(`export const main = () => { ${statement} }`, withOptions('--title=x'))
    expect(await worker.call().outcome).toMatchObject({ state: 'lost' })
    expect(await worker.exited).toBe(code)
  })
})

describe('SIGTERM', () => {
  const listening = (statement: string) => `
    process.on('SIGTERM', async () => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      console.log('flushed')
      ${statement}
    })
    export const main = () => 1`

  async function terminated(files: string, options?: BindOptions) {
    await using shim = await ShimProcess.start(runtime)
    await shim.bind(packageOf(files), options)
    await shim.connection.call().outcome
    shim.signal('SIGTERM')
    return { code: await shim.exited, stdout: shim.connection.output.stdout }
  }

  test('ends a worker that has nothing to do, with what is registered for the exit', async () => {
    const main = 'process.on("exit", () => console.log("goodbye")); export const main = () => 1'
    expect(await terminated(main)).toEqual({ code: 143, stdout: 'goodbye\n' })
  })

  test('is left to a function that listens for it', async () => {
    expect(await terminated(listening('process.exit(0)'))).toEqual({ code: 0, stdout: 'flushed\n' })
  })

  test('reaches a function that runs in a process of its own', async () => {
    const options = { env: { NODE_OPTIONS: '--title=x' } }
    expect(await terminated(listening('process.exit(0)'), options)).toEqual({ code: 0, stdout: 'flushed\n' })
  })

  test('leaves the calls in flight their time; each says that it is the last', async () => {
    await using shim = await ShimProcess.start(runtime)
    const main = `export const main = async ({ ms, fails }) => {
      console.log('at work')
      await new Promise((resolve) => setTimeout(resolve, ms))
      if (fails) throw new Error('no')
      return 'done'
    }`
    await shim.bind(packageOf(main), { concurrency: 2 })
    const [returns, fails] = [shim.connection.call({ ms: 2000 }), shim.connection.call({ ms: 1500, fails: true })]
    await waitUntil('both are at work', () => returns.output.stdout && fails.output.stdout)
    shim.signal('SIGTERM')
    expect(await fails.outcome).toMatchObject({ state: 'failed', message: 'no' })
    expect(await returns.outcome).toMatchObject({ state: 'value', value: 'done' })
    expect(fails.lastMeta).toMatchObject({ last: true })
    expect(returns.lastMeta).toMatchObject({ last: true })
    expect(await shim.exited).toBe(143)
  })

  test('leaves a streamed answer its time; its end says that it is the last', async () => {
    await using shim = await ShimProcess.start(runtime)
    const main = `export const main = () => new Response(new ReadableStream({ async start(c) {
      for (let n = 0; n < 5; n++) {
        await new Promise((resolve) => setTimeout(resolve, 300))
        c.enqueue(new Uint8Array(10))
      }
      c.close()
    } }))`
    await shim.bind(packageOf(main), { signature: 'http' })
    const call = shim.connection.fetch({ target: '/' })
    await call.head
    shim.signal('SIGTERM')
    expect(await call.outcome).toMatchObject({ state: 'answer', body: Buffer.alloc(50) })
    expect(call.lastMeta).toMatchObject({ last: true })
    expect(await shim.exited).toBe(143)
  })
})

describe('values', () => {
  const unsayable: [string, string][] = [
    ['a cycle', 'const a = {}; a.a = a; return a'],
    ['a BigInt', 'return 1n'],
    ['a function', 'return () => 1'],
    ['a symbol', 'return Symbol("s")'],
    ['an object whose toJSON throws', 'return { toJSON() { throw new Error("toJSON") } }'],
  ]
  test.each(unsayable)('%s is ResultNotSerializable', async (_what, body) => {
    expect(await run(`export const main = () => { ${body} }`)).toMatchObject({
      state: 'failed',
      type: 'ResultNotSerializable',
    })
  })

  test('a value with toJSON is answered as that says', async () => {
    const main = 'export const main = () => ({ at: new Date(0), map: [new Map([[1, 2]])] })'
    expect(await run(main)).toMatchObject({ value: { at: '1970-01-01T00:00:00.000Z', map: [{}] } })
  })

  test('input bytes stay what they were while other calls arrive', async () => {
    const main = `export const main = async (event) => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      return event
    }`
    await using worker = await bind(main, { concurrency: 50 })
    const inputs = Array.from({ length: 50 }, (_, n) => Buffer.alloc(3000, n))
    const outcomes = inputs.map((input) => worker.call(input).outcome)
    for (const [n, outcome] of outcomes.entries()) expect(await outcome).toMatchObject({ value: inputs[n] })
  })
})

describe('errors', () => {
  test('a class of the function gives its name, and the paths are those of the package', async () => {
    const files = {
      'main.mjs': 'import { fail } from "./lib/fail.mjs"\nexport const main = async () => await fail()\n',
      'lib/fail.mjs': 'class OutOfTea extends Error {}\nexport async function fail() { throw new OutOfTea("none") }\n',
    }
    const outcome = await run(files)
    expect(outcome).toMatchObject({ type: 'OutOfTea', message: 'none' })
    const { stack } = outcome as { stack: string }
    expect(stack.split('\n')).toEqual([
      'Error: none',
      expect.stringMatching(/^ {4}at fail \(lib\/fail\.mjs:2:\d+\)$/),
      expect.stringMatching(/^ {4}at (async )?main \(main\.mjs:2:\d+\)$/),
    ])
  })

  test('a cause is reported with its own stack', async () => {
    const main = 'export const main = () => { throw new Error("outer", { cause: new TypeError("inner") }) }'
    expect(await run(main)).toMatchObject({
      stack: expect.stringMatching(/Error: outer[\s\S]*Caused by: TypeError: inner/),
    })
  })

  const thrown: [string, string, string, string][] = [
    ['a string', '"just text"', 'string', 'just text'],
    ['nothing', 'undefined', 'undefined', 'undefined'],
    ['an object', '{ code: 7 }', 'Object', '{ code: 7 }'],
    ['an error with a name of its own', 'Object.assign(new Error("m"), { name: "Named" })', 'Named', 'm'],
    [
      'an error whose stack cannot be read',
      'new Proxy(new Error("m"), { get() { throw 1 } })',
      'Error',
      'what was thrown',
    ],
  ]
  test.each(thrown)('%s may be thrown', async (_what, expression, type, message) => {
    const outcome = await run(`export const main = () => { throw ${expression} }`)
    expect(outcome).toMatchObject({ state: 'failed', type, message: expect.stringContaining(message) })
  })

  test('a very long message is cut', async () => {
    const outcome = await run('export const main = () => { throw new Error("x".repeat(20_000_000)) }')
    expect((outcome as { message: string }).message.length).toBeLessThan(100_000)
  })
})

describe('what nobody catches', () => {
  test('a rejection nobody handles fails its call, and the worker goes on', async () => {
    await using worker = await bind(
      `export const main = async (event) => {
        if (event !== "bad") return event
        Promise.reject(new RangeError("forgotten"))
        await new Promise((resolve) => setTimeout(resolve, 5000))
      }`,
      { concurrency: 2 },
    )
    expect(await worker.call('bad').outcome).toMatchObject({
      state: 'failed',
      type: 'RangeError',
      message: 'forgotten',
    })
    expect(await worker.call('good').outcome).toMatchObject({ value: 'good' })
  })

  test('a rejection after the end of its call is printed, and the worker goes on', async () => {
    await using worker = await bind(
      'export const main = () => { setTimeout(() => Promise.reject(new RangeError("late")), 20); return 1 }',
    )
    expect(await worker.call().outcome).toMatchObject({ value: 1 })
    await sleep(100)
    expect(worker.output.stderr).toContain('RangeError: late')
    expect(await worker.call().outcome).toMatchObject({ value: 1 })
  })

  test('an exception nobody catches fails its call and ends the worker', async () => {
    await using worker = await bind(
      'export const main = () => new Promise(() => { setTimeout(() => { throw new RangeError("thrown later") }, 5) })',
    )
    expect(await worker.call().outcome).toMatchObject({ state: 'failed', message: 'thrown later' })
    expect(await worker.exited).toBe(1)
  })

  test('the failure of a call that takes its worker along says that it is the last', async () => {
    await using shim = await ShimProcess.start(runtime)
    await shim.bind(packageOf('export const main = () => new Promise(() => setTimeout(() => { throw 1 }, 5))'))
    const call = shim.connection.call()
    await call.outcome
    expect(call.lastMeta).toMatchObject({ last: true })
  })

  test('an exception outside every call is printed and ends the worker', async () => {
    await using worker = await bind(
      'setTimeout(() => { throw new RangeError("in the background") }, 50)\nexport const main = () => 1',
    )
    expect(await worker.exited).toBe(1)
    expect(worker.output.stderr).toContain('RangeError: in the background')
  })

  test('an exception while loading is why loading failed', async () => {
    const main = `setTimeout(() => { throw new RangeError("while loading") }, 5)
      await new Promise((resolve) => setTimeout(resolve, 5000))
      export const main = () => 1`
    await expect(bind(main)).rejects.toMatchObject({ type: 'RangeError', message: 'while loading' })
  })

  test('a function that listens for uncaught exceptions keeps its worker', async () => {
    await using worker = await bind(
      `process.on("uncaughtException", (error) => console.log("caught", error.message))
      export const main = () => new Promise((resolve) => {
        setTimeout(() => resolve("lives"), 50)
        setTimeout(() => { throw new Error("mine") }, 5)
      })`,
    )
    const call = worker.call()
    expect(await call.outcome).toMatchObject({ value: 'lives' })
    expect(call.output.stdout).toBe('caught mine\n')
  })
})

describe('output', () => {
  async function printed(body: string): Promise<{ stdout: string; stderr: string }> {
    await using worker = await bind(`export const main = async (event, context) => { ${body} }`)
    const call = worker.call()
    expect(await call.outcome).toMatchObject({ state: 'value' })
    return call.output
  }

  const prints: [string, string, { stdout?: string; stderr?: string }][] = [
    ['formats', 'console.log("%s is %d", "x", 1, { a: 1 })', { stdout: 'x is 1 { a: 1 }\n' }],
    ['several values', 'console.info(1, "two", [3], null)', { stdout: '1 two [ 3 ] null\n' }],
    ['nothing', 'console.log()', { stdout: '\n' }],
    ['a lone percent sign', 'console.log("100%")', { stdout: '100%\n' }],
    ['levels', 'console.debug("d"); console.warn("w"); console.error("e")', { stdout: 'd\n', stderr: 'w\ne\n' }],
    [
      'groups',
      'console.group("g"); console.log("a\\nb"); console.groupEnd(); console.log("c")',
      { stdout: 'g\n  a\n  b\nc\n' },
    ],
    ['dir', 'console.dir({ a: 1 })', { stdout: '{ a: 1 }\n' }],
    ['assert', 'console.assert(false, "wrong")', { stderr: 'Assertion failed: wrong\n' }],
    ['count', 'console.count("n"); console.count("n")', { stdout: 'n: 1\nn: 2\n' }],
    ['the logger', 'context.log.info("i"); context.log.warn("w %d", 1)', { stdout: 'i\n', stderr: 'w 1\n' }],
    ['process.stdout.write', 'process.stdout.write("no newline")', { stdout: 'no newline' }],
    ['process.stderr.write', 'process.stderr.write("oh")', { stderr: 'oh' }],
    ['bytes', 'process.stdout.write(Buffer.from("grüß"))', { stdout: 'grüß' }],
    [
      'a character in two pieces',
      'const b = Buffer.from("ß"); process.stdout.write(b.subarray(0, 1)); process.stdout.write(b.subarray(1))',
      { stdout: 'ß' },
    ],
    ['half a character at the end', 'process.stdout.write(Buffer.from([97, 0xc3]))', { stdout: 'a\ufffd' }],
    ['an encoding', 'process.stdout.write("YWJj", "base64")', { stdout: 'abc' }],
    [
      'a callback',
      'await new Promise((done) => process.stdout.write("x", done)); console.log("y")',
      { stdout: 'xy\n' },
    ],
    ['an end that is none', 'process.stdout.end("bye\\n"); console.log("still here")', { stdout: 'bye\nstill here\n' }],
    [
      'a Console of its own',
      'const { Console } = await import("node:console"); new Console(process.stdout).log("own")',
      { stdout: 'own\n' },
    ],
    [
      'a pipe',
      'const { Readable } = await import("node:stream"); await new Promise((done) => Readable.from(["a", "b"]).on("end", done).pipe(process.stdout))',
      { stdout: 'ab' },
    ],
  ]
  test.each(prints)('%s', async (_what, body, { stdout = '', stderr = '' }) => {
    expect(await printed(body)).toEqual({ stdout, stderr })
  })

  test('a table is printed as Node does it', async () => {
    expect((await printed('console.table([{ a: 1 }])')).stdout).toContain('│ 0       │ 1 │')
  })

  test('prints in callbacks of timers, streams and events belong to their call', async () => {
    await using worker = await bind(
      `import { EventEmitter } from 'node:events'
      import { readFile } from 'node:fs'
      export const main = (tag) => new Promise((resolve) => {
        const emitter = new EventEmitter()
        emitter.on('go', () => console.log(tag, 'event'))
        setTimeout(() => { emitter.emit('go'); setImmediate(() => {
          console.log(tag, 'immediate')
          readFile('main.mjs', () => { console.log(tag, 'file'); resolve() })
        }) }, 5)
      })`,
      { concurrency: 3 },
    )
    const tags = ['a', 'b', 'c']
    const running = tags.map((tag) => worker.call(tag))
    for (const [n, call] of running.entries()) {
      await call.outcome
      expect(call.output.stdout).toBe(`${tags[n]} event\n${tags[n]} immediate\n${tags[n]} file\n`)
    }
  })

  test('what a function prints right before it exits is seen', async () => {
    await using worker = await bind(
      'export const main = () => { for (let n = 0; n < 100; n++) console.log(n); process.exit(2) }',
    )
    const call = worker.call()
    expect(await call.outcome).toEqual({ state: 'lost' })
    expect(call.output.stdout.split('\n')).toHaveLength(101)
  })

  test('many lines before an endless loop are seen but for the last millisecond', async () => {
    await using worker = await bind(
      'export const main = () => { for (let n = 0; n < 10; n++) console.log(n); for (;;); }',
    )
    const call = worker.call()
    await call.printed('9\n')
    expect(call.output.stdout).toBe('0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n')
  })

  test('printing without end does not fill the memory of the worker', async () => {
    await using worker = await bind(
      'export const main = () => { for (let n = 0; n < 200_000; n++) console.log("x".repeat(999)); return "done" }',
    )
    const outcome = await worker.call().outcome
    expect(outcome).toMatchObject({ value: 'done' })
    expect((outcome as { usage: { memoryPeakBytes: number } }).usage.memoryPeakBytes).toBeLessThan(150 * 1024 * 1024)
  })

  test('the memory of whoever started the worker is not its own', async () => {
    // The system hands the peak of a process on to those that it starts.
    const held = Buffer.alloc(300 * 1024 * 1024, 1)
    await using worker = await bind('export const main = () => 1')
    const outcome = await worker.call().outcome
    expect(held).toHaveLength(300 * 1024 * 1024)
    expect((outcome as { usage: { memoryPeakBytes: number } }).usage.memoryPeakBytes).toBeLessThan(150 * 1024 * 1024)
  })

  test('all that a function printed before it exits is seen, however much it is', async () => {
    await using worker = await bind('export const main = () => { console.log("x".repeat(5_000_000)); process.exit(0) }')
    const call = worker.call()
    await call.outcome
    expect(call.output.stdout).toHaveLength(5_000_001)
  })

  test('a line of several MiB arrives whole', async () => {
    const { stdout } = await printed('console.log("😀".repeat(1_500_000))')
    expect(stdout).toBe(`${'😀'.repeat(1_500_000)}\n`)
  })

  test('warnings of Node are printed to standard error', async () => {
    const { stderr } = await printed('process.emitWarning("careful"); await new Promise(setImmediate)')
    expect(stderr).toContain('careful')
  })
})

describe('http functions', () => {
  const http = { signature: 'http' } as const

  async function fetched(files: Files | string, target = '/', options: BindOptions = {}) {
    await using worker = await bind(files, { ...http, ...options })
    const outcome = await worker.fetch({ target, headers: [['Host', 'example.org:8080']] }).outcome
    expect(outcome).toMatchObject({ state: 'answer' })
    return outcome as Extract<Outcome, { state: 'answer' }>
  }

  const shapes: [string, string][] = [
    ['a function', 'export const main = () => new Response("ok")'],
    ['an async function', 'export const main = async () => new Response("ok")'],
    [
      'an object with a fetch that needs its object',
      'export const main = { text: "ok", fetch() { return new Response(this.text) } }',
    ],
    ['a default export that is a function', 'export default () => new Response("ok")'],
    ['a default export with a fetch', 'export default { fetch: () => new Response("ok") }'],
  ]
  test.each(shapes)('%s', async (_shape, main) => {
    expect((await fetched(main)).body.toString()).toBe('ok')
  })

  test('the URL is that of the host the caller asked', async () => {
    const answer = await fetched('export const main = (request) => Response.json(request.url)', '/a%20b/c?d=1&d=2')
    expect(JSON.parse(answer.body.toString())).toBe('http://example.org:8080/a%20b/c?d=1&d=2')
  })

  test('a host that no URL can have is left out', async () => {
    await using worker = await bind('export const main = (request) => new Response(request.url)', http)
    const { outcome } = worker.fetch({ target: '//x', headers: [['host', 'a b:c']] })
    expect(((await outcome) as { body: Buffer }).body.toString()).toBe('http://localhost//x')
  })

  test('headers that come twice stay two', async () => {
    const main = `export const main = () => {
      const headers = new Headers([["set-cookie", "a=1"], ["set-cookie", "b=2"]])
      return new Response(null, { headers })
    }`
    expect((await fetched(main)).headers).toEqual([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ])
  })

  test('a Response that was built from pieces at hand comes in one frame', async () => {
    const main = `export const main = () => new Response(new ReadableStream({ start(c) {
      for (const text of ["a", "b", "c"]) c.enqueue(new TextEncoder().encode(text))
      c.close()
    } }))`
    expect(await fetched(main)).toMatchObject({ streamed: false, body: Buffer.from('abc') })
  })

  test('a large Response is streamed', async () => {
    const answer = await fetched('export const main = () => new Response("x".repeat(3_000_000))')
    expect(answer).toMatchObject({ streamed: true })
    expect(answer.body).toHaveLength(3_000_000)
  })

  test('a stream that breaks off is a failure', async () => {
    await using worker = await bind(
      `export const main = () => new Response(new ReadableStream({ async pull(c) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        if (this.sent) return c.error(new RangeError("broken"))
        this.sent = true
        c.enqueue(new Uint8Array(10))
      } }))`,
      http,
    )
    const call = worker.fetch({ target: '/' })
    await call.head
    expect(await call.outcome).toMatchObject({ state: 'failed', type: 'RangeError' })
  })

  test('a client that leaves fires the signal of the request and cancels the stream', async () => {
    await using worker = await bind(
      `export const main = (request, context) => {
        request.signal.addEventListener("abort", () => console.log("aborted", context.signal === request.signal))
        return new Response(new ReadableStream({
          async pull(c) { await new Promise((r) => setTimeout(r, 5)); c.enqueue(new Uint8Array(10)) },
          cancel() { console.log("cancelled") },
        }))
      }`,
      http,
    )
    const call = worker.fetch({ target: '/' })
    await call.received(20)
    call.cancel()
    expect(await call.outcome).toMatchObject({ state: 'answer' })
    expect(call.output.stdout).toBe('aborted true\ncancelled\n')
  })

  test('prints while a body is made belong to its call', async () => {
    await using worker = await bind(
      `export const main = () => new Response(new ReadableStream({ async pull(c) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        console.log("in pull")
        c.close()
      } }))`,
      http,
    )
    const call = worker.fetch({ target: '/' })
    await call.outcome
    expect(call.output.stdout).toBe('in pull\n')
  })

  test('an execution that did not come over HTTP is a POST of its input', async () => {
    await using worker = await bind(
      'export const main = async (r) => Response.json([r.method, r.headers.get("content-type"), await r.text()])',
      http,
    )
    const bodyOf = async (outcome: Promise<Outcome>) =>
      JSON.parse(((await outcome) as { body: Buffer }).body.toString())
    expect(await bodyOf(worker.call({ a: 1 }).outcome)).toEqual(['POST', 'application/json', '{"a":1}'])
    expect(await bodyOf(worker.call('text').outcome)).toEqual(['POST', 'text/plain; charset=utf-8', 'text'])
    expect(await bodyOf(worker.call().outcome)).toEqual(['POST', null, ''])
  })

  test('what is no Response is a failure that shows it', async () => {
    await using worker = await bind('export const main = () => ({ body: 1 })', http)
    expect(await worker.fetch({ target: '/' }).outcome).toMatchObject({
      state: 'failed',
      type: 'TypeError',
      message: expect.stringContaining('{ body: 1 }'),
    })
  })

  test('a request can be handed on to fetch', async () => {
    const main = `import { createServer } from 'node:http'
      import { once } from 'node:events'
      const server = createServer((request, response) => request.pipe(response)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      export const main = (request) => fetch(new Request('http://127.0.0.1:' + server.address().port, request))`
    await using worker = await bind(main, http)
    const outcome = await worker.fetch({ method: 'POST', target: '/', body: 'passed on' }).outcome
    expect((outcome as { body: Buffer }).body.toString()).toBe('passed on')
  })
})
