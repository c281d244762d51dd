import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { inTurn, type Start } from '../../scripts/build/figures.ts'
import { commandGroups } from '../../src/cli/commands.ts'
import { BareRoot } from '../support/bare-root.ts'
import { DataFolder } from '../support/data-folder.ts'
import { dockerSocket } from '../support/docker-api.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { ChildProgram, projectFolder, sourceProgram } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

const executable = join(projectFolder, 'dist/taibai')
const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8'))
const port = (): string => String(20_000 + Math.floor(Math.random() * 12_000))

beforeAll(() => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build-binary.ts', '--if-old'], {
    cwd: projectFolder,
    encoding: 'utf8',
  })
  expect(status, stderr).toBe(0)
}, 300_000)

describe('the executable', () => {
  test('is one file of at most 110 MiB with a checksum beside it', () => {
    expect(statSync(executable).size / 1048576).toBeLessThanOrEqual(110)
    const checksum = createHash('sha256').update(readFileSync(executable)).digest('hex')
    expect(readFileSync(`${executable}.sha256`, 'utf8')).toBe(`${checksum}  taibai\n`)
  })

  test('says the version of package.json, in at most twice the processor time of a bare Node.js', () => {
    expect(spawnSync(executable, ['--version'], { encoding: 'utf8' }).stdout).toBe(`${version}\n`)
    expect(cpuOf(executable, '--version')).toBeLessThanOrEqual(2.2 * cpuOf(process.execPath, '-e', '0'))
  })

  test('shows the help of all commands, and of each', () => {
    const help = (...words: string[]) => spawnSync(executable, [...words, '--help'], { encoding: 'utf8' })
    const all = help()
    expect([all.status, all.stderr]).toEqual([0, ''])
    for (const word of Object.values(commandGroups).flatMap(Object.keys)) {
      expect(all.stdout).toMatch(new RegExp(`^  ${word}\\b`, 'm'))
      const { status, stdout, stderr } = help(word)
      expect([word, status, stderr, stdout]).toEqual([word, 0, '', expect.stringContaining(`Usage: taibai ${word}`)])
    }
  }, 60_000)

  test('takes at most a third of the processor time of the sources until it is ready, and 130 MB then', async () => {
    const isAThird = (own: Start, sources: Start) => own.cpuMs <= sources.cpuMs / 3 && own.memoryMb <= 130
    const [own, sources] = await inTurn(executable, [process.execPath, sourceProgram], isAThird)
    expect(own.cpuMs).toBeLessThanOrEqual(sources.cpuMs / 3)
    expect(own.memoryMb).toBeLessThanOrEqual(130)
  }, 300_000)

  test('says what is wrong with settings in a sentence, and no stack', () => {
    const env = { TAIBAI_PORT: 'x' }
    const { status, stderr } = spawnSync(executable, ['serve'], { env, encoding: 'utf8', timeout: 30_000 })
    expect(status).toBe(1)
    expect(stderr).toMatch(/^Settings that cannot be used:\n {2}TAIBAI_PORT: .*\n$/)
  })

  test('tells a service manager that it is ready, alive and stopping', async () => {
    await using data = new DataFolder()
    const folder = join(data.path, 'programs')
    mkdirSync(folder)
    writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$*" >>${data.path}/news\n`, { mode: 0o755 })
    const settings = { TAIBAI_ENGINE: 'process', TAIBAI_DATA_DIR: join(data.path, 'data'), TAIBAI_PORT: '0' }
    const env = { PATH: `${folder}:${process.env.PATH}`, NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '200000', ...settings }
    const server = new ChildProgram(executable, ['serve'], env)
    const news = () => (existsSync(join(data.path, 'news')) ? readFileSync(join(data.path, 'news'), 'utf8') : '')
    await waitUntil('it is alive', () => news().includes('WATCHDOG=1') || undefined)
    server.signal('SIGTERM')
    expect(await server.ended()).toEqual({ code: 0, signal: null })
    const told = news().trim().split('\n')
    expect(told[0]).toBe(`--pid=${server.pid} READY=1`)
    expect(told).toContain(`--pid=${server.pid} STOPPING=1`)
  })

  test('says where it may unpack its files when it may not here', () => {
    const env = { TAIBAI_CACHE_DIR: '/proc/nowhere', TAIBAI_DATA_DIR: '/tmp/taibai-never' }
    const { status, stderr } = spawnSync(executable, ['serve'], { env, encoding: 'utf8', timeout: 30_000 })
    expect(status).toBe(1)
    expect(stderr).toMatch(
      /^The program could not unpack its files .*set TAIBAI_CACHE_DIR to a folder that you may write to\.\n$/,
    )
  })
})

describe.runIf(BareRoot.isPossible)('on a machine with nothing on it, the executable', () => {
  test('names three ways to get an engine, and does without none of them', async () => {
    using machine = new BareRoot(executable, null)
    const { code, output } = await machine.run(['up'], { TAIBAI_DATA_DIR: join(machine.work, 'data') })
    expect(code).toBe(1)
    expect(output).toMatch(
      /No container engine answers at unix:.*Three ways to go on:\n {2}1\. .*\n {2}2\. .*\n {2}3\. --engine process/,
    )
    expect(output).not.toContain('    at ')
    expect(existsSync(join(machine.work, 'data', 'taibai.db'))).toBe(false)
  })

  test('runs functions as processes when it is told to, as their Node.js', async () => {
    using machine = new BareRoot(executable, null)
    const settings = { TAIBAI_DATA_DIR: join(machine.work, 'data'), TAIBAI_PORT: port() }
    const up = await machine.run(['up', '--engine', 'process'], settings)
    expect(up.code, up.output).toBe(0)
    expect(up.output).toMatch(/WITHOUT ISOLATION(.|\n)*python3 is left out(.|\n)*warm .*"Hello, Taibai!"/)
    const page = await fetch(`http://127.0.0.1:${settings.TAIBAI_PORT}/console`)
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('main.js')])
    expect((await machine.run(['down'], settings)).stdout).toMatch(/process \d+ has stopped/)
  })
})

describeWithDocker('on a machine with nothing but an engine, the executable', () => {
  test.runIf(BareRoot.isPossible)(
    'starts, deploys and calls functions, stops, and is there again with all it knew',
    async () => {
      using machine = new BareRoot(executable, dockerSocket)
      const data = join(machine.work, 'data')
      const settings = { TAIBAI_DATA_DIR: data, TAIBAI_PORT: port(), TAIBAI_GENERIC_WORKERS: '1' }
      const up = await machine.run(['up'], settings)
      expect(up.code, up.output).toBe(0)
      expect(up.stdout).toMatch(/hello-nodejs is deployed/)
      for (const how of ['cold (first)', 'prewarmed (new_code)', 'warm']) expect(up.stdout).toContain(`\n  ${how} `)
      expect(up.stdout.match(/{"greeting":"Hello, Taibai!"}/g)).toHaveLength(6)

      const again = await machine.run(['up', '--json'], settings)
      expect(JSON.parse(again.stdout).calls).toHaveLength(6)
      const invoked = await machine.run(['invoke', 'hello-python3', '--data', '{"name":"Li Bai"}'], settings)
      expect(invoked).toMatchObject({ code: 0, stdout: expect.stringContaining('Hello, Li Bai!') })

      const down = await machine.run(['down'], settings)
      expect(down.stdout).toMatch(/process \d+ has stopped/)
      expect(readdirSync(join(data, 'workers'))).toEqual([])
      const once = await machine.run(['up'], settings)
      expect(once.stdout).toMatch(/hello-nodejs is there/)
      expect((await machine.run(['down'], settings)).code).toBe(0)
    },
    300_000,
  )
})

/** Processor time of one run of a program, in ms: the mean of ten. */
function cpuOf(...command: string[]): number {
  const script = 'for i in 0 1 2 3 4 5 6 7 8 9; do "$@" >/dev/null; done; times'
  const { stdout } = spawnSync('sh', ['-c', script, 'sh', ...command], { encoding: 'utf8' })
  const [user = 0, system = 0] = [...(stdout.trim().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  )
  return ((user + system) * 1000) / 10
}
