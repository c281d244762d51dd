import { chmodSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DataFolder } from '../support/data-folder.ts'
import { atWork } from '../support/executions-of.ts'
import { signalWorkers, untilSignalled } from '../support/function-signals.ts'
import {
  ChildProgram,
  launchServer,
  ServerProcess,
  serverEnvironment,
  serverProgram,
} from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** How a server starts, and what it says when it cannot: a sentence and exit code 1, never a stack. */

/** One line for the operator, nothing else. */
const sentence = /^[^\n]+\n$/

async function refusal(settings: Record<string, string>, data: DataFolder) {
  const program = launchServer({ data, settings })
  const exit = await program.ended()
  expect(exit, program.stdout + program.stderr).toEqual({ code: 1, signal: null })
  expect(program.stderr).not.toMatch(/^\s+at /m)
  return program
}

/** What one that runs can show, all of these tests ask. */
let running: ServerProcess
beforeAll(async () => {
  const data = new DataFolder()
  chmodSync(data.path, 0o755)
  running = await ServerProcess.start({ data })
  await running.deploy('hello', 'export const main = () => "hello"')
})
afterAll(async () => {
  await running?.[Symbol.asyncDispose]()
  await running?.data[Symbol.asyncDispose]()
})

describe('A server refuses to start', () => {
  test('with settings that cannot be used, naming each and touching nothing', async () => {
    await using data = new DataFolder()
    rmSync(data.path, { recursive: true })
    const { stderr } = await refusal(
      { TAIBAI_PORT: '70000', TAIBAI_ENGINE: 'podman', TAIBAI_DRAIN_MS: 'long', TAIBAI_MAX_QUEUD: '3' },
      data,
    )
    expect(stderr.trim().split('\n')).toEqual([
      'Settings that cannot be used:',
      expect.stringMatching(/^ {2}TAIBAI_PORT: ./),
      expect.stringMatching(/^ {2}TAIBAI_ENGINE: ./),
      expect.stringMatching(/^ {2}TAIBAI_DRAIN_MS: ./),
      '  TAIBAI_MAX_QUEUD: there is no such setting',
    ])
    expect(existsSync(data.path)).toBe(false)
  })

  test('without saying a secret that cannot be used', async () => {
    await using data = new DataFolder()
    const { stderr, stdout } = await refusal({ TAIBAI_ADMIN_TOKEN: 'too-short' }, data)
    expect(stderr).toContain('TAIBAI_ADMIN_TOKEN')
    expect(stderr + stdout).not.toContain('too-short')
  })

  test('on a data folder that another server uses, which goes on unharmed', async () => {
    const first = running
    await first.must('POST', '/fn/hello')
    const workers = first.data.workerFolders()
    const { stderr } = await refusal({}, first.data)
    expect(stderr).toMatch(sentence)
    expect(stderr).toContain(`Another Taibai server uses the data folder ${first.data.path}`)
    expect(first.data.workerFolders()).toEqual(expect.arrayContaining(workers))
    const answer = await first.must('POST', '/fn/hello')
    expect(answer.text).toBe('hello')
    expect(answer.headers.get('server-timing')).toContain('start;desc="warm"')
  })

  test('on a port that is in use, and leaves no worker', async () => {
    await using data = new DataFolder()
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const { stderr } = await refusal({ TAIBAI_PORT: String(port) }, data)
    other.close()
    expect(stderr).toMatch(sentence)
    expect(stderr).toContain('The port is in use already: stop the program that uses it, or set TAIBAI_PORT.')
    expect(data.workerFolders()).toEqual([])
    expect(data.workerProcesses()).toEqual([])
  })

  test('where the data folder cannot be', async () => {
    await using data = new DataFolder()
    const file = join(data.path, 'a-file')
    writeFileSync(file, '')
    for (const wrong of [file, join(file, 'below'), '/proc/nowhere/below']) {
      const { stderr } = await refusal({ TAIBAI_DATA_DIR: wrong }, data)
      expect(stderr).toMatch(sentence)
      expect(stderr).toContain(wrong)
      expect(stderr).toContain('TAIBAI_DATA_DIR')
    }
    const { stderr } = await refusal({ TAIBAI_DATA_DIR: join(data.path, 'long'.repeat(25)) }, data)
    expect(stderr).toMatch(/^The path of the data folder .* is too long .*TAIBAI_DATA_DIR\.\n$/)
  })

  test('on a database that is not one', async () => {
    await using data = new DataFolder()
    writeFileSync(join(data.path, 'taibai.db'), 'this is a text file, and long enough to be looked at as a database')
    const { stderr } = await refusal({}, data)
    expect(stderr).toMatch(sentence)
    expect(stderr).toContain(join(data.path, 'taibai.db'))
  })

  test('on an older Node.js, before anything native is loaded', async () => {
    await using data = new DataFolder()
    const old = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.0' } })"
    const env = serverEnvironment({ TAIBAI_DATA_DIR: join(data.path, 'never'), TAIBAI_PORT: '0' })
    const program = new ChildProgram(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(old)}`, serverProgram],
      env,
    )
    expect(await program.ended()).toEqual({ code: 1, signal: null })
    expect(program.stderr).toMatch(/^Taibai needs Node\.js 22\.22 or newer .* "npm start".*\n$/)
    expect(existsSync(join(data.path, 'never'))).toBe(false)
  })

  test('beyond loopback without authentication, or without isolation, unless told twice', async () => {
    await using data = new DataFolder()
    const open = await refusal({ TAIBAI_HOST: '0.0.0.0', TAIBAI_AUTH: 'none' }, data)
    expect(open.stderr).toMatch(/^Without authentication, everybody .* TAIBAI_I_KNOW_THIS_IS_OPEN=1 .*\n$/)
    const unisolated = await refusal({ TAIBAI_HOST: '0.0.0.0' }, data)
    expect(unisolated.stderr).toMatch(/^The process engine isolates nothing: .* TAIBAI_I_KNOW_THIS_IS_OPEN=1 .*\n$/)
    expect(readdirSync(data.path)).toEqual([])
    // Another spelling of 127.0.0.1, which nobody outside reaches either.
    const host = '0x7f000001'
    await refusal({ TAIBAI_HOST: host, TAIBAI_AUTH: 'none' }, data)
    const settings = { TAIBAI_HOST: host, TAIBAI_AUTH: 'none', TAIBAI_I_KNOW_THIS_IS_OPEN: '1' }
    await using server = await ServerProcess.start({ data, settings })
    expect((await server.ask('GET', '/v1/functions', { token: null })).status).toBe(200)
  })
})

describe('A server that starts', () => {
  test('keeps its data to its owner', () => {
    const { data } = running
    const modeOf = (name: string) => (statSync(join(data.path, name)).mode & 0o777).toString(8)
    expect(modeOf('.')).toBe('700')
    expect(modeOf('admin.token')).toBe('600')
    expect(modeOf('packages')).toBe('700')
    for (const name of readdirSync(data.path).filter((one) => /^(taibai|ledger)\.db/.test(one))) {
      expect(modeOf(name), name).toBe('600')
    }
  })

  test('without authentication takes every caller as the one project', async () => {
    await using server = await ServerProcess.start({ settings: { TAIBAI_AUTH: 'none' } })
    await server.must('POST', '/v1/functions', {
      token: null,
      json: {
        name: 'hello',
        runtime: 'nodejs',
        code: { source: 'inline', filename: 'main.mjs', content: 'export const main = () => 1' },
      },
    })
    expect(await server.ask('POST', '/fn/hello', { token: 'notused' })).toMatchObject({ status: 200, json: 1 })
    expect(existsSync(join(server.data.path, 'admin.token'))).toBe(false)
  })

  test('says that it lives and takes work, and who it is', async () => {
    const server = running
    const open = { token: null }
    expect(await server.ask('GET', '/healthz', open)).toMatchObject({ status: 200 })
    expect(await server.ask('GET', '/readyz', open)).toMatchObject({ status: 200, json: { ready: true } })
    expect((await server.ask('GET', '/', open)).json.versions[0]).toMatchObject({ id: 'v1.0', status: 'CURRENT' })
    expect((await server.ask('GET', '/openapi.json', open)).json.paths['/v1/functions']).toBeDefined()
    expect(server.log.find(({ msg }) => msg === 'taibai is ready')).toMatchObject({
      url: server.url,
      engine: 'process',
    })
    expect(server.output).toContain('THE PROCESS ENGINE ISOLATES NOTHING')
  })

  test('goes on when nobody reads its log any more', async () => {
    const server = running
    server.program.closeOutput()
    for (let n = 0; n < 3; n++) {
      await server.must('POST', '/fn/hello')
      await pause(200)
    }
    expect((await server.must('POST', '/fn/hello')).text).toBe('hello')
  })

  /** From a terminal, which tells all of them: npm, its shell, and the server; and from a supervisor, which tells npm. */
  test.each([
    ['one Ctrl-C', 'SIGINT', 'all'],
    ['a supervisor', 'SIGTERM', 'npm'],
  ] as const)(
    'by "npm start" runs on the Node.js of the packages, and %s stops it gracefully',
    async (_who, signal, whom) => {
      await using data = new DataFolder()
      const env = serverEnvironment({ TAIBAI_DATA_DIR: data.path, TAIBAI_PORT: '0', TAIBAI_ENGINE: 'process' })
      env.PATH = pathOfUsers()
      const npm = new ChildProgram('npm', ['start', '--silent'], env, { detached: true })
      try {
        const server = await ServerProcess.follow(npm, data)
        await server.deploy('waits', waits)
        const call = server.ask('POST', '/fn/waits')
        await atWork(server)
        process.kill(whom === 'all' ? -npm.pid : npm.pid, signal)
        await waitUntil('it stops', () => server.log.some(({ msg }) => msg === 'stopping'))
        signalWorkers(data)
        expect(await npm.ended()).toEqual({ code: 0, signal: null })
        expect(await call).toMatchObject({ status: 200, text: 'done' })
        expect(server.log.at(-1)).toMatchObject({ msg: 'stopped' })
        expect(data.workerFolders()).toEqual([])
        expect(data.workerProcesses()).toEqual([])
      } finally {
        if (npm.exit === null) process.kill(-npm.pid, 'SIGKILL')
      }
    },
  )
})

const waits = `${untilSignalled}
export async function main() {
  await untilSignalled()
  return 'done'
}
`

/** Where programs are looked for outside of this project's own scripts. */
const pathOfUsers = (): string =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter)
