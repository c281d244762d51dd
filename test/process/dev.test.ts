import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { liveSession } from '../../src/cli/dev/session.ts'
import { ChildProgram, ServerProcess, serverEnvironment, serverProgram } from '../support/server-process.ts'
import { Terminal } from '../support/terminal.ts'
import { waitUntil } from '../support/wait-until.ts'

/** The edit loop: a folder that is served while it is edited, at a terminal and by a program. */

const hasTmux = spawnSync('tmux', ['-V']).status === 0
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tb-dev-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const node = (answer: string) => `export const main = () => { console.log('called'); return ${answer} }\n`
const python = (answer: string) => `def main(event, context):\n    print("called")\n    return ${answer}\n`

function project(name: string, files: Record<string, string>): string {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, file, '..'), { recursive: true })
    writeFileSync(join(folder, name, file), text)
  }
  return join(folder, name)
}

// biome-ignore lint/suspicious/noExplicitAny: each event has fields of its own
const eventsOf = (program: ChildProgram): any[] =>
  program.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

describe('A program that serves a folder from a running server', () => {
  let server: ServerProcess
  let path: string
  let dev: ChildProgram

  beforeAll(async () => {
    server = await ServerProcess.start()
    path = project('shop', {
      'taibai.yaml':
        'functions:\n  js: {code: js, jobs: {tick: {pattern: "* * * * * *"}}, webhooks: {order: {sync: true}}}\n  py: {}\n',
      'js/main.mjs': node('1'),
      'py/main.py': python('1'),
    })
    const env = serverEnvironment({ TAIBAI_URL: server.url, TAIBAI_TOKEN: server.token })
    dev = new ChildProgram(process.execPath, [serverProgram, 'dev', path, '--json'], env)
    await waitUntil(
      'the folder is served',
      () => dev.exit !== null || eventsOf(dev).some(({ event }) => event === 'ready'),
    )
    expect(dev.exit, dev.stderr).toBeNull()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const answer = async (name: string) => (await server.ask('POST', `/fn/${name}`)).text
  const answers = (name: string, text: string) =>
    waitUntil(`${name} answers ${text}`, async () => (await answer(name)) === text)
  const tells = (what: Record<string, unknown>) =>
    waitUntil(`${JSON.stringify(what)} is told`, () => {
      return eventsOf(dev).find((event) => Object.entries(what).every(([key, value]) => event[key] === value))
    })

  test('has what is saved in the next answer, however it is saved', async () => {
    expect(await answer('js')).toBe('1')
    expect(await answer('py')).toBe('1')
    writeFileSync(join(path, 'js/main.mjs'), node('2'))
    await answers('js', '2')
    writeFileSync(join(path, 'py/main.py.new'), python('2'))
    renameSync(join(path, 'py/main.py.new'), join(path, 'py/main.py'))
    await answers('py', '2')
    await tells({ event: 'served', function: 'py' })
  })

  test('shows calls with their phases and output', async () => {
    await answer('js')
    expect(await tells({ event: 'log', function: 'js' })).toMatchObject({ text: 'called\n' })
    const call = await tells({ event: 'call', function: 'js', status: 'success' })
    expect(call).toMatchObject({ trigger: 'http', phases: { run: expect.any(Number) } })
  })

  test('shows code that does not load, while the previous code keeps running', async () => {
    writeFileSync(join(path, 'py/main.py'), 'def main(:\n')
    const { message } = await tells({ event: 'refused', function: 'py', serves_before: true })
    expect(message).toMatch(/SyntaxError[\s\S]*py\/main\.py", line 1/)
    expect(await answer('py')).toBe('2')
    writeFileSync(join(path, 'py/main.py'), python('3'))
    await answers('py', '3')
  })

  test('shows where taibai.yaml is wrong, and serves it once it is right', async () => {
    writeFileSync(join(path, 'taibai.yaml'), 'functions:\n  js: {code: js, timeuot: 3}\n')
    const { message } = await tells({ event: 'refused', function: null })
    expect(message).toMatch(/taibai\.yaml:2:18: functions\.js: .*timeuot/)
    project('shop', { 'more/main.mjs': node('"new"') })
    writeFileSync(join(path, 'taibai.yaml'), 'functions:\n  js: {}\n  more: {}\n')
    await answers('more', 'new')
    project('shop', {
      'more/lib/a.mjs': 'export default 7\n',
      'more/main.mjs': "import a from './lib/a.mjs'\nexport const main = () => a\n",
    })
    await answers('more', '7')
    project('shop', { 'more/lib/a.mjs': 'export default 8\n' })
    await answers('more', '8')
  })

  test('leaves no job behind that runs by itself, but the webhooks', async () => {
    expect((await server.must('GET', '/v1/jobs')).json.jobs).toEqual([])
    expect((await server.must('GET', '/v1/webhooks')).json.webhooks).toMatchObject([{ description: 'order' }])
  })

  test('ends at a signal, and the server goes on', async () => {
    dev.signal('SIGTERM')
    expect(await dev.ended()).toEqual({ code: 0, signal: null })
    expect(eventsOf(dev).at(-1)).toMatchObject({ event: 'ended' })
    expect(await answer('js')).toBe('2')
  })

  test('is refused a server of elsewhere that is merely the chosen context', async () => {
    const env = serverEnvironment({ TAIBAI_URL: 'https://shop.example.org', TAIBAI_TOKEN: 'x' })
    const refused = new ChildProgram(process.execPath, [serverProgram, 'dev', path], env)
    expect(await refused.ended()).toMatchObject({ code: 2 })
    expect(refused.stderr).toContain('is another machine: each save would change what runs there')
  })
})

describe('A session with debuggers', () => {
  let dev: ChildProgram
  let path: string
  let url: string
  let token: string

  beforeAll(async () => {
    const standIn = 'import socket\n\n\ndef listen(address):\n    globals()["held"] = socket.create_server(address)\n'
    path = project('bugs', {
      'taibai.yaml': 'functions:\n  js: {timeout: 1}\n  py: {}\n  plain: {code: js}\n',
      'js/main.mjs':
        'export const main = (event) => {\n  const answer = event.n + 1\n  return { answer, file: import.meta.filename }\n}\n',
      'py/main.py': 'def main(event, context):\n    return __file__\n',
      'debugpy/__init__.py': standIn,
    })
    const env = serverEnvironment({ XDG_CONFIG_HOME: join(folder, 'config') })
    dev = new ChildProgram(process.execPath, [serverProgram, 'dev', path, '--inspect', '--json'], env)
    await waitUntil(
      'the folder is served',
      () => dev.exit !== null || eventsOf(dev).some(({ event }) => event === 'ready'),
    )
    expect(dev.exit, dev.stderr).toBeNull()
    const session = liveSession(path)
    url = session?.url ?? ''
    token = readFileSync(join(session?.dataDir ?? '', 'admin.token'), 'utf8').trim()
  })
  afterAll(async () => {
    dev.signal('SIGTERM')
    await dev.ended()
  })

  const call = async (name: string, body = '{}') => {
    const headers = { 'x-auth-token': token, 'content-type': 'application/json' }
    return (await fetch(`${url}/fn/${name}`, { method: 'POST', headers, body })).text()
  }
  const portOf = (name: string) => {
    const [{ debuggers }] = eventsOf(dev)
    return Number(/:(\d+)/.exec(debuggers.find((one: { name: string }) => one.name === name).address)?.[1])
  }

  test('halts in the file that is edited, for longer than the timeout, and goes on', async () => {
    const targets = await waitUntil('the debugger listens', () =>
      fetch(`http://127.0.0.1:${portOf('js')}/json/list`).then(
        (answer) => answer.json() as Promise<{ webSocketDebuggerUrl: string }[]>,
        () => undefined,
      ),
    )
    const socket = new WebSocket(String(targets[0]?.webSocketDebuggerUrl))
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    // biome-ignore lint/suspicious/noExplicitAny: messages have every shape
    const messages: any[] = []
    socket.addEventListener('message', ({ data }) => messages.push(JSON.parse(String(data))))
    const send = async (id: number, method: string, params = {}) => {
      socket.send(JSON.stringify({ id, method, params }))
      return waitUntil(method, () => messages.find((message) => message.id === id))
    }
    await send(1, 'Debugger.enable')
    const file = join(path, 'js/main.mjs')
    await send(2, 'Debugger.setBreakpointByUrl', { lineNumber: 2, urlRegex: `${file}$` })
    const answered = call('js', '{"n": 1}')
    await waitUntil('it is halted', () => messages.some(({ method }) => method === 'Debugger.paused'))
    // Longer than the timeout of taibai.yaml.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    await send(3, 'Debugger.resume')
    expect(JSON.parse(await answered)).toEqual({ answer: 2, file })
    socket.close()
  })

  test('gets saved files in a new worker that listens', async () => {
    writeFileSync(join(path, 'js/main.mjs'), node('7'))
    await waitUntil('the save is served', async () => (await call('js')) === '7')
    const listens = () =>
      fetch(`http://127.0.0.1:${portOf('js')}/json/list`).then(
        () => true,
        () => false,
      )
    await waitUntil('the debugger listens', listens)
  })

  test('lets debuggers of Python attach, with the debugpy of the project', async () => {
    expect(await call('py')).toBe(join(path, 'py/main.py'))
    await waitUntil('it listens', () => {
      return new Promise((resolve) => {
        const socket = connect(portOf('py'), '127.0.0.1', () => resolve(true)).once('error', () => resolve(false))
        socket.once('connect', () => socket.destroy())
      })
    })
    expect(portOf('plain')).not.toBe(portOf('js'))
  })

  test('is for a server of its own', async () => {
    const env = serverEnvironment({ TAIBAI_TOKEN: 'x' })
    const refused = new ChildProgram(process.execPath, [serverProgram, 'dev', path, '--inspect', '--url', url], env)
    expect(await refused.ended()).toMatchObject({ code: 2 })
    expect(refused.stderr).toContain('--inspect is for a server of this session')
  })
})

describe('A session with a server of its own', () => {
  test('leaves none when a signal comes while that starts', async () => {
    const path = project('short', { 'main.mjs': node('1') })
    const args = [serverProgram, 'dev', path, '--engine', 'process', '--json']
    const dev = new ChildProgram(process.execPath, args, serverEnvironment({ XDG_CONFIG_HOME: join(folder, 'config') }))
    await waitUntil('its server starts', () => serversIn(join(path, '.taibai')).length > 0 || undefined)
    dev.signal('SIGTERM')
    expect(await dev.ended(), dev.stderr).toEqual({ code: 0, signal: null })
    expect(serversIn(join(path, '.taibai'))).toEqual([])
    expect(liveSession(path)).toBeNull()
  })
})

/** Process ids of the servers of a data folder, ready or not. */
const serversIn = (dataDir: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    const text = (name: string) =>
      existsSync(`/proc/${pid}/${name}`) ? readFileSync(`/proc/${pid}/${name}`, 'utf8') : ''
    try {
      return (
        /^\d+$/.test(pid) &&
        text('cmdline').includes('serve') &&
        text('environ').includes(`TAIBAI_DATA_DIR=${dataDir}\0`)
      )
    } catch {
      // It has ended meanwhile.
      return false
    }
  })

describe.skipIf(!hasTmux)('A person at a terminal without a server', () => {
  test('serves a folder by keys, calls it from beside, and leaves nothing that runs', async () => {
    const path = project('alone', {
      'taibai.yaml': 'functions:\n  hello: {code: ., jobs: {morning: {pattern: "0 9 * * *"}}}\n',
      'main.mjs': node('1'),
    })
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'taibai'), `#!/bin/sh\nexec ${process.execPath} ${serverProgram} "$@"\n`, { mode: 0o755 })
    const own = { TERM: 'xterm-256color', XDG_CONFIG_HOME: join(folder, 'config') }
    const env = { ...serverEnvironment(own), PATH: `${bin}:${process.env.PATH}` }
    const taibai = (...args: string[]) => spawnSync('taibai', args, { cwd: path, env, encoding: 'utf8' })
    using terminal = new Terminal(folder, path, env)
    await terminal.sees(/[#$]\s*$/)
    terminal.type('taibai dev --engine process')
    await terminal.sees(/plain processes, WITHOUT ISOLATION[\s\S]*keys: r serve all again[\s\S]*hello ↻ is served/)
    const session = liveSession(path)
    expect(taibai('invoke', 'hello').stdout).toBe('1\n')
    await terminal.sees(/hello │ called\n.*hello ✓ .*run \d/)
    expect(taibai('dev').stderr).toContain('This folder is served already')
    terminal.type('', 'j')
    await terminal.sees(/Running job hello\/morning\.[\s\S]*hello ✓ .*async/)
    writeFileSync(join(path, 'main.mjs'), 'export const main = (\n')
    await terminal.sees(/cannot be served; the previous code stays in use\s+SyntaxError: .* \(main\.mjs:2\)/)
    terminal.type('', 'c')
    await waitUntil('the screen is empty', () => terminal.screen.trim() === '')
    writeFileSync(join(path, 'main.mjs'), node('2'))
    await terminal.sees(/main\.mjs: the next call sees it/)
    expect(taibai('invoke', 'hello').stdout).toBe('2\n')
    terminal.type('', 'q')
    terminal.type('echo "left $?"')
    await terminal.sees(/left 0/)
    expect(liveSession(path)).toBeNull()
    expect(existsSync(join(path, '.taibai/server.pid'))).toBe(false)
    expect(readFileSync(join(path, '.taibai/.gitignore'), 'utf8')).toBe('*\n')
    await expect(fetch(`${session?.url}/healthz`)).rejects.toThrow()
  })
})
