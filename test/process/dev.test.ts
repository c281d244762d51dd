import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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

  test('is told of calls with their phases, and of what they print', async () => {
    await answer('js')
    expect(await tells({ event: 'log', function: 'js' })).toMatchObject({ text: 'called\n' })
    const call = await tells({ event: 'call', function: 'js', status: 'success' })
    expect(call).toMatchObject({ trigger: 'http', phases: { run: expect.any(Number) } })
  })

  test('is told what does not load, and what was there goes on', async () => {
    writeFileSync(join(path, 'py/main.py'), 'def main(:\n')
    const { message } = await tells({ event: 'refused', function: 'py', serves_before: true })
    expect(message).toMatch(/SyntaxError[\s\S]*py\/main\.py", line 1/)
    expect(await answer('py')).toBe('2')
    writeFileSync(join(path, 'py/main.py'), python('3'))
    await answers('py', '3')
  })

  test('is told where taibai.yaml is wrong, and serves what it says when it is right', async () => {
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
    await terminal.sees(/cannot be served; what was there before goes on\s+SyntaxError: .* \(main\.mjs:2\)/)
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
