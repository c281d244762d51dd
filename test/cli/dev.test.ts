import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { debuggedFunctions } from '../../src/cli/dev/debugging.ts'
import { commands as devCommands } from '../../src/cli/dev/dev.ts'
import { FolderWatch, quietTime } from '../../src/cli/dev/folder-watch.ts'
import { type DevFunction, functionsAt, localPaths, readProject, rootsOf } from '../../src/cli/dev/project.ts'
import { phasesText } from '../../src/cli/dev/screen.ts'
import { chooseServer } from '../../src/cli/dev/server.ts'
import { liveSession, makeSessionFolder, removeSession, writeSession } from '../../src/cli/dev/session.ts'
import { Output } from '../../src/cli/terminal/output.ts'
import { waitUntil } from '../support/wait-until.ts'

const system = vi.hoisted(() => ({ watchesMore: true }))
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>()
  const watch = (path: string, listener: () => void) => {
    if (system.watchesMore) return fs.watch(path, listener)
    throw Object.assign(new Error('System limit for number of file watchers reached'), { code: 'ENOSPC' })
  }
  return { ...fs, watch }
})

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taibai-dev-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(path: string, text = 'x'): string {
  const full = join(folder, path)
  mkdirSync(join(full, '..'), { recursive: true })
  writeFileSync(full, text)
  return full
}

describe('The server of a session', () => {
  const shop = { url: 'https://shop.example.org', namedBy: 'context', context: 'shop' } as const

  test.each([
    ['of elsewhere that is merely the chosen context', shop, null, /pass --context shop; .*--context local/],
    [
      'of elsewhere that the environment names',
      { ...shop, context: undefined, namedBy: 'environment' } as const,
      null,
      /--url https/,
    ],
    [
      'that is named, and an option for one of its own',
      { ...shop, namedBy: 'option' } as const,
      '--inspect',
      /--inspect is for a server of this session/,
    ],
  ])('is none %s', (_what, named, ownBecause, said) => {
    expect(() => chooseServer(named as never, ownBecause)).toThrow(said)
  })

  test.each([
    ['named for this command', { ...shop, namedBy: 'option' } as const, null, 'named'],
    [
      'on this machine, by the environment',
      { url: 'http://localhost:7070', namedBy: 'environment' } as const,
      null,
      'named',
    ],
    ['on this machine', { url: 'http://127.0.0.1:7070', namedBy: 'machine' } as const, null, 'if it runs'],
    ['for which its own is asked', { url: 'http://127.0.0.1:7070', namedBy: 'machine' } as const, '--port', 'own'],
    ['of elsewhere, and its own is asked for', shop, '--engine', 'own'],
  ])('%s', (_what, named, ownBecause, expected) => {
    expect(chooseServer(named as never, ownBecause)).toBe(expected)
  })
})

test('A session is found in its folder as long as its process lives, and version control leaves it alone', () => {
  expect(liveSession(folder)).toBeNull()
  const dataDir = makeSessionFolder(folder)
  const session = { pid: process.pid, url: 'http://127.0.0.1:1', dataDir }
  writeSession(folder, session)
  expect(liveSession(folder)).toEqual(session)
  writeSession(folder, { ...session, pid: 2 ** 22 + 1 })
  expect(liveSession(folder)).toBeNull()
  removeSession(folder)
  removeSession(folder)
})

test.each([
  ['names a server of elsewhere', { url: 'http://collect.example.org' }],
  ['names one by a name that begins as an address of this machine', { url: 'http://127.0.0.1.example.org' }],
  ['names no process', { pid: 0 }],
  ['names a group of processes', { pid: -process.pid }],
])('A session that came with the folder, and %s, gets no token', (_what, wrong) => {
  const dataDir = makeSessionFolder(folder)
  writeSession(folder, { pid: process.pid, url: 'http://127.0.0.1:1', dataDir, ...wrong })
  expect(liveSession(folder)).toBeNull()
})

test('A session that was interrupted while its server started ends, and ends it', async () => {
  write('api/main.mjs')
  let isClosed = false
  const client = {
    url: 'http://127.0.0.1:1',
    runtimes: { list: async () => [] },
    async *events() {},
    close: () => {
      isClosed = true
    },
  }
  const out = new Output({ stdout: { write: () => true }, stderr: { write: () => true }, json: true, colors: false })
  const cli = {
    ...{ out, client: () => client, isInteractive: false, interrupted: AbortSignal.abort(), dataDir: folder },
    ...{ server: () => ({ url: client.url, namedBy: 'option' }), now: () => 0 },
    sleep: () => new Promise((resolve) => setTimeout(resolve, 10)),
  }
  await devCommands[0]?.run(cli as never, [join(folder, 'api')], {})
  expect(isClosed).toBe(true)
})

describe('A project', () => {
  test('is what taibai.yaml says, or the package of the folder', () => {
    write('api/main.mjs')
    expect(() => readProject(join(folder, 'nowhere'))).toThrow('There is no file or folder')
    expect(readProject(join(folder, 'api'))).toMatchObject({ file: undefined, functions: [{ name: 'api' }] })
    const file = write('taibai.yaml', 'functions:\n  api: {}\n  tool: {image: "me/tool:1"}\n')
    const project = readProject(folder)
    expect(project.functions.map(({ name, code }) => [name, code])).toEqual([
      ['api', join(folder, 'api')],
      ['tool', null],
    ])
    expect(rootsOf(project)).toEqual([file, join(folder, 'api')])
  })

  test('is changed where something is saved, and nowhere else', () => {
    const fn = (name: string, code: string | null): DevFunction => ({
      name,
      code,
      said: {},
      wanted: () => ({}) as never,
    })
    const functions = [fn('a', '/p/a'), fn('ab', '/p/ab'), fn('file', '/p/one.mjs'), fn('image', null)]
    const changed = (...paths: string[]) => functionsAt(paths, functions).map(({ name }) => name)
    expect(changed('/p/a/lib/x.mjs')).toEqual(['a'])
    expect(changed('/p/one.mjs')).toEqual(['file'])
    expect(changed('/p/README.md')).toEqual([])
    expect(changed('/p')).toEqual(['a', 'ab', 'file'])
  })
})

test('Debuggers attach to functions in Node.js and Python, each at a port of its own', () => {
  for (const path of ['a/main.mjs', 'b/main.py', 'c/main.mjs', 'd/main.sh']) write(path)
  write('taibai.yaml', 'functions:\n  a: {}\n  b: {}\n  c: {}\n  d: {}\n')
  const ports = (inspect: string | true) =>
    Object.fromEntries([...debuggedFunctions(readProject(folder), inspect)].map(([name, { port }]) => [name, port]))
  expect(() => ports('d')).toThrow(/no function "d" in Node.js or Python/)
  expect(() => ports('e')).toThrow(/no function "e".*the functions are: a, b, c, d\./)
  expect(ports(true)).toEqual({ a: 9229, b: 5678, c: 9230 })
})

describe('Paths of a worker', () => {
  const hash = 'a'.repeat(64)
  test.each([
    [`  File "/x/.taibai/packages/${hash}/code/lib/main.py", line 3`, '  File "api/lib/main.py", line 3'],
    ['at run (/taibai/code/main.mjs:2:9)', 'at run (api/main.mjs:2:9)'],
    ['at main (main.mjs:2:9)', 'at main (api/main.mjs:2:9)'],
    ['at node:internal/process.js:1:2', 'at node:internal/process.js:1:2'],
    ['took 3:4', 'took 3:4'],
  ])('%s are shown as %s', (text, expected) => {
    expect(localPaths(text, '/home/me/shop/api', '/home/me/shop')).toBe(expected)
  })

  test('are the same in the folder itself', () => {
    expect(localPaths('(main.mjs:2:9) /taibai/code/a.mjs', '/home/me/api', '/home/me/api')).toBe('(main.mjs:2:9) a.mjs')
  })
})

test('Phases that cost nothing are left out', () => {
  expect(phasesText({ queue: 0, acquire: 0, load: 0, run: 1.5, total: 1.5 })).toBe('run 1.5 ms')
  expect(phasesText({ queue: 2, acquire: 9, load: 4, run: 1, total: 12 })).toBe(
    'queue 2.0 ms · acquire 9.0 ms (load 4.0 ms) · run 1.0 ms',
  )
})

test('A save is over sooner than a checkout, or than a file that is still empty', () => {
  expect(quietTime(1, false)).toBeLessThan(quietTime(1, true))
  expect(quietTime(2, false)).toBeLessThan(quietTime(100, false))
})

describe('A folder that is watched tells', () => {
  let told: string[][]
  let unwatched: string[]
  let watch: FolderWatch

  beforeEach(() => {
    told = []
    unwatched = []
    watch = new FolderWatch(
      (paths) => told.push(paths.map((path) => path.slice(folder.length + 1))),
      ({ message }) => unwatched.push(message),
    )
  })
  afterEach(() => {
    system.watchesMore = true
    watch.close()
  })

  const sees = (path: string) => waitUntil(`it tells of ${path}`, () => told.flat().includes(path))
  /** Whatever came before this is told by then. */
  async function expectNothingBut(...paths: string[]): Promise<void> {
    write('last.mjs', String(Math.random()))
    await sees('last.mjs')
    expect(new Set(told.flat())).toEqual(new Set([...paths, 'last.mjs']))
  }

  test('of what was saved also when a new folder is one more than the system watches', async () => {
    watch.follow([folder])
    system.watchesMore = false
    write('lib/new.mjs')
    await sees('lib')
    await waitUntil('the folder is refused', () => unwatched.length > 0)
    expect(unwatched[0]).toContain('The system can watch only 1 folders here')
  })

  test('of a file that is written over, renamed over, or removed', async () => {
    const file = write('main.mjs')
    watch.follow([folder])
    appendFileSync(file, 'y')
    await sees('main.mjs')
    told.length = 0
    renameSync(write('main.mjs.new'), file)
    await sees('main.mjs')
    told.length = 0
    rmSync(file)
    await sees('main.mjs')
  })

  test('of files in folders that are made, also when they were there before', async () => {
    write('lib/a.mjs')
    watch.follow([folder])
    write('new/deep/b.mjs')
    await sees('new')
    await waitUntil('the new folder is watched', () => {
      write('new/deep/b.mjs', String(Math.random()))
      return told.flat().includes('new/deep/b.mjs')
    })
    rmSync(join(folder, 'lib'), { recursive: true })
    write('lib/a.mjs')
    await sees('lib')
    await waitUntil('the folder that came anew is watched', () => {
      write('lib/a.mjs', String(Math.random()))
      return told.flat().includes('lib/a.mjs')
    })
  })

  test('of nothing that is no part of the package', async () => {
    write('.taibaiignore', 'notes\n')
    write('notes/x.md')
    write('node_modules/a/index.js')
    watch.follow([folder])
    write('notes/y.md')
    write('.main.mjs.swp')
    write('main.mjs~')
    write('.git/index')
    write('.taibai/server.log')
    write('node_modules/a/index.js', 'y')
    await expectNothingBut()
    write('.taibaiignore', '')
    await sees('.taibaiignore')
  })

  test('that a package manager was there, though not of each module', async () => {
    write('node_modules/a/index.js')
    watch.follow([folder])
    write('node_modules/.package-lock.json')
    await sees('node_modules/.package-lock.json')
  })

  test('of many files at once, in few pieces', async () => {
    watch.follow([folder])
    for (let n = 0; n < 300; n++) write(`f${n}.mjs`)
    await sees('f299.mjs')
    expect(told.length).toBeLessThan(20)
    expect(new Set(told.flat()).size).toBe(300)
  })

  test('of a file that is being written when it is whole', async () => {
    watch.follow([folder])
    const file = openSync(join(folder, 'main.mjs'), 'w')
    writeSync(file, 'half')
    writeSync(file, 'other half')
    closeSync(file)
    await sees('main.mjs')
    expect(told).toHaveLength(1)
  })

  test('of a single file, and not of those beside it', async () => {
    const file = write('one.mjs')
    watch.follow([file, write('last.mjs')])
    write('two.mjs')
    await expectNothingBut()
    writeFileSync(file, 'y')
    await sees('one.mjs')
  })
})
