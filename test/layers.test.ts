import { globSync, readFileSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'

/** Who may import whom, and who may touch what: read from the source text. */

const sourceFolder = join(import.meta.dirname, '../src')

/**
 * Rows import columns. A room is a file or a folder of `src`; the longest name that fits a path is its room, and a file may
 * always import its own room. `app.ts` and `wiring` know everything; files of the root know only what is listed for them.
 */
const mayImport: Record<string, string[]> = {
  domain: [],
  store: ['domain', 'folder.ts'],
  'engine/pool/policy': ['domain'],
  'engine/pool': ['domain', 'engine/pool/policy'],
  'engine/api': ['domain'],
  'engine/sandbox': ['domain', 'engine/api'],
  'engine/worker': ['domain', 'assets.ts', 'engine/pool/pool-worker.ts', 'engine/sandbox/sandbox.ts'],
  openstack: ['domain'],
  outbound: ['domain'],
  'services/runs': ['domain', 'services/functions'],
  'services/functions': ['domain', 'services/platform'],
  'services/triggers': ['domain', 'services/runs', 'services/functions'],
  'services/platform': ['domain'],
  scheduler: ['domain'],
  telemetry: ['domain'],
  http: ['domain', 'services'],
  'app.ts': [
    ...['domain', 'store', 'engine', 'services', 'http', 'telemetry', 'app'],
    ...['assets.ts', 'config.ts', 'logger.ts'],
    'wiring',
    'registry-credentials.ts',
  ],
  app: [
    ...['domain', 'store', 'engine', 'openstack', 'outbound', 'services', 'http'],
    ...['assets.ts', 'config.ts', 'wiring'],
  ],
  'wiring/stores.ts': ['store'],
  'wiring/infrastructure.ts': ['domain', 'openstack', 'services', 'wiring/stores.ts'],
  'wiring/platform.ts': ['services/platform', 'wiring/infrastructure.ts'],
  'wiring/services.ts': [
    ...['store', 'openstack', 'services', 'scheduler'],
    ...['wiring/infrastructure.ts', 'wiring/platform.ts'],
  ],
  'wiring/http.ts': ['domain', 'services', 'http', 'wiring/services.ts', 'wiring/infrastructure.ts'],
  'wiring/settings.ts': [
    ...['assets.ts', 'config.ts', 'settings'],
    ...['domain', 'store', 'engine', 'openstack', 'http', 'wiring/infrastructure.ts'],
  ],
  'restore.ts': ['domain', 'store', 'folder.ts'],
  'registry-credentials.ts': ['domain', 'store', 'services', 'config.ts'],
  'local-data.ts': ['domain', 'store', 'assets.ts', 'config.ts', 'restore.ts', 'registry-credentials.ts', 'cli'],
  'serve.ts': ['app.ts', 'config.ts', 'assets.ts', 'registry-credentials.ts', 'host'],
  'main.ts': ['serve.ts', 'local-data.ts', 'assets.ts', 'cli'],
  client: [],
  simulator: ['domain', 'engine/pool/policy'],
  console: ['client', 'simulator'],
  host: ['domain', 'config.ts', 'assets.ts', 'folder.ts', 'engine/api'],
  cli: ['domain', 'client', 'host', 'simulator', 'config.ts', 'cli-settings.ts', 'assets.ts', 'folder.ts'],
  'config.ts': ['assets.ts', 'cli-settings.ts', 'settings'],
  settings: ['assets.ts', 'cli-settings.ts', 'domain/platform/limits.ts'],
  'cli-settings.ts': ['assets.ts'],
  'assets.ts': ['domain', 'folder.ts'],
  'folder.ts': [],
  'logger.ts': [],
}

/** Packages that only some places may use, their types too. */
const packages: { name: RegExp; within: string[] }[] = [
  { name: /^croner$/, within: ['scheduler/'] },
  { name: /^better-sqlite3$|^drizzle-orm(\/|$)/, within: ['store/'] },
  { name: /^hono(\/|$)|^@hono\//, within: ['http/', 'app.ts'] },
  { name: /^pino$/, within: ['logger.ts'] },
  { name: /^marked$/, within: ['http/pages/markdown.ts'] },
]

/** What only some places may touch. A rule holds in `holdsIn`; default everywhere. */
const touches: { what: RegExp; within: string[]; holdsIn?: string[]; why: string }[] = [
  {
    what: /\bprocess\.env\b/,
    // The process engine hands the search path on to its children, what prepares a machine all of it.
    within: ['config.ts', 'cli-settings.ts', 'engine/sandbox/process/process-engine.ts', 'host/command.ts'],
    why: 'reads the environment',
  },
  { what: /\bprocess\.exit\b/, within: ['main.ts'], why: 'ends the process' },
  {
    what: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/,
    within: ['domain/clock.ts', 'domain/ids.ts'],
    holdsIn: ['domain/', 'services/', 'engine/', 'openstack/', 'scheduler/', 'store/'],
    why: 'asks for the time itself',
  },
  { what: /\bMath\.random\b/, within: [], why: 'makes its own randomness' },
  {
    what: /\bconsole\.(log|info|warn|error|debug)\b/,
    within: ['console/pages/function-templates.ts'],
    why: 'prints past the log',
  }, // That one shows a function that prints.
]

/** Names that say nothing, and files that only pass others on. */
const namelessFiles = /^(utils?|helpers?|common|types|misc|shared|index)\.ts$/

interface Import {
  from: string
}

/** All of a file's imports: static, dynamic, passed on, and modules that are started as a thread. */
function importsOf(source: string): Import[] {
  const statics = [...source.matchAll(/^(?:import|export)\s+(?:type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)]
  const dynamics = [...source.matchAll(/(?<!typeof )\bimport\('([^']+)'\)|new URL\('([^']+\.ts)'/g)]
  const types = [...source.matchAll(/typeof import\('([^']+)'\)/g)]
  return [
    ...statics.map(([, from = '']) => ({ from })),
    ...dynamics.map(([, imported, started]) => ({ from: imported ?? started ?? '' })),
    ...types.map(([, from = '']) => ({ from })),
  ]
}

const isWithin = (path: string, places: string[]): boolean =>
  places.some((place) => path === place || (place.endsWith('/') && path.startsWith(place)))

/** The room of a file of `src`; undefined: it lies in none. */
const roomOf = (path: string): string | undefined =>
  Object.keys(mayImport)
    .filter((room) => path === room || path.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0]

const codeLines = (source: string): string[] => source.split('\n').filter((line) => !/^\s*(\/\/|\/?\*)/.test(line))

/** What is wrong with a file of `src/`, as sentences. */
function problemsOf(path: string, source: string): string[] {
  const problems: string[] = []
  if (namelessFiles.test(basename(path))) problems.push(`${path} is named for nothing`)
  for (const { from } of importsOf(source)) {
    if (from.startsWith('.')) problems.push(...ownImportProblems(path, posix.join(posix.dirname(path), from)))
    else problems.push(...packageProblems(path, from))
  }
  for (const { what, within, holdsIn, why } of touches) {
    if (holdsIn !== undefined && !isWithin(path, holdsIn)) continue
    if (!isWithin(path, within) && codeLines(source).some((line) => what.test(line))) problems.push(`${path} ${why}`)
  }
  return problems
}

function ownImportProblems(path: string, target: string): string[] {
  const problem = `${path} imports ${target}`
  const room = roomOf(path)
  const allowed = room === undefined ? [] : [room, ...(mayImport[room] as string[])]
  if (!allowed.some((place) => target === place || target.startsWith(`${place}/`))) return [problem]
  // Which engine is in use is known to one file.
  const engine = /^engine\/sandbox\/(docker|process|swarm)\//.exec(target)?.[0]
  const choosesEngine = path === 'engine/sandbox/connect-engine.ts'
  return engine !== undefined && !choosesEngine && !path.startsWith(engine) ? [problem] : []
}

const packageProblems = (path: string, from: string): string[] =>
  packages.filter(({ name, within }) => name.test(from) && !isWithin(path, within)).map(() => `${path} uses ${from}`)

/** Ways back to where they began, each once. */
function circlesIn(imported: Map<string, string[]>): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const follow = (file: string, way: string[]) => {
    if (way.includes(file)) return void circles.push([...way.slice(way.indexOf(file)), file].join(' → '))
    if (done.has(file)) return
    for (const next of imported.get(file) ?? []) follow(next, [...way, file])
    done.add(file)
  }
  for (const file of imported.keys()) follow(file, [])
  return circles
}

test('a circle of imports is seen, and two ways to one file are none', () => {
  const ways = new Map([
    ['a', ['b', 'c']],
    ['b', ['d']],
    ['c', ['d']],
    ['d', []],
  ])
  expect(circlesIn(ways)).toEqual([])
  expect(circlesIn(new Map([...ways, ['d', ['a']]]))).toEqual(['a → b → d → a'])
})

describe('the checks of the rooms see', () => {
  const cases: [what: string, path: string, source: string, problem: string][] = [
    ['an import upwards', 'domain/a.ts', "import { x } from '../services/b.ts'", 'domain/a.ts imports services/b.ts'],
    ['one of types', 'store/a.ts', "import type { x } from '../engine/b.ts'", 'store/a.ts imports engine/b.ts'],
    [
      'one over many lines',
      'http/routes/a.ts',
      "import {\n  x,\n} from '../../store/b.ts'",
      'http/routes/a.ts imports store/b.ts',
    ],
    ['one that is passed on', 'services/a.ts', "export { x } from '../http/b.ts'", 'services/a.ts imports http/b.ts'],
    ['a dynamic one', 'engine/pool/a.ts', "await import('../../config.ts')", 'engine/pool/a.ts imports config.ts'],
    ['one for its effects', 'engine/pool/a.ts', "import '../../store/b.ts'", 'engine/pool/a.ts imports store/b.ts'],
    [
      'a worker in the pool',
      'engine/pool/a.ts',
      "import { x } from '../worker/b.ts'",
      'engine/pool/a.ts imports engine/worker/b.ts',
    ],
    [
      'a module started as a thread',
      'services/a.ts',
      "new URL('../store/w.ts', import.meta.url)",
      'services/a.ts imports store/w.ts',
    ],
    [
      'the choice of an engine',
      'engine/sandbox/a.ts',
      "import { x } from './docker/b.ts'",
      'engine/sandbox/a.ts imports engine/sandbox/docker/b.ts',
    ],
    [
      'one engine in the other',
      'engine/sandbox/docker/a.ts',
      "import { x } from '../process/b.ts'",
      'engine/sandbox/docker/a.ts imports engine/sandbox/process/b.ts',
    ],
    ['croner', 'services/a.ts', "import { Cron } from 'croner'", 'services/a.ts uses croner'],
    ['SQL', 'http/a.ts', "import { sql } from 'drizzle-orm'", 'http/a.ts uses drizzle-orm'],
    ['Hono', 'services/a.ts', "import type { Context } from 'hono'", 'services/a.ts uses hono'],
    ['the environment', 'services/a.ts', 'const x = process.env.HOME', 'services/a.ts reads the environment'],
    ['an exit', 'app.ts', 'process.exit(1)', 'app.ts ends the process'],
    ['the time', 'engine/pool.ts', 'const x = Date.now()', 'engine/pool.ts asks for the time itself'],
    ['a file without a name', 'http/utils.ts', '', 'http/utils.ts is named for nothing'],
  ]

  test.each(cases)('%s', (_what, path, source, problem) => {
    expect(problemsOf(path, source)).toEqual([problem])
  })

  test('nothing in comments, types of allowed packages, and what is passed in', () => {
    const source = [
      "import type { Context } from 'hono'",
      "import type { Clock } from '../../../domain/clock.ts'",
      '// Date.now() is not asked here',
      ' * nor process.env',
      'const now = clock.now()',
    ].join('\n')
    expect(problemsOf('http/routes/a/b.ts', source)).toEqual([])
  })
})

describe('in the source', () => {
  const files = globSync('**/*.{ts,tsx}', { cwd: sourceFolder, exclude: ['store/migrations/**'] }).sort()

  test('every file lies in a room of the table, and every room has files', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(files.filter((file) => roomOf(file) === undefined)).toEqual([])
    expect([...new Set(files.map(roomOf))].sort()).toEqual(Object.keys(mayImport).sort())
  })

  test('no file imports itself by way of others, types counted', () => {
    const imported = new Map(
      files.map((file) => [
        file,
        importsOf(readFileSync(join(sourceFolder, file), 'utf8'))
          .filter(({ from }) => from.startsWith('.'))
          .map(({ from }) => posix.join(posix.dirname(file), from)),
      ]),
    )
    expect(circlesIn(imported)).toEqual([])
  })

  test('every permission of the table is used', () => {
    const used = files.flatMap((file) =>
      importsOf(readFileSync(join(sourceFolder, file), 'utf8'))
        .filter(({ from }) => from.startsWith('.'))
        .map(({ from }) => ({ room: roomOf(file), target: posix.join(posix.dirname(file), from) })),
    )
    const unused = Object.entries(mayImport).flatMap(([room, places]) =>
      places
        .filter(
          (place) =>
            !used.some((one) => one.room === room && (one.target === place || one.target.startsWith(`${place}/`))),
        )
        .map((place) => `${room} → ${place}`),
    )
    expect(unused).toEqual([])
  })

  test('nothing native is loaded before main.ts has looked at the version of Node.js', () => {
    const main = readFileSync(join(sourceFolder, 'main.ts'), 'utf8')
    const atOnce = [...main.matchAll(/^import (?!type ).*'([^']+)'$/gm)].map(([, from]) => from)
    expect(atOnce.filter((from) => !from?.startsWith('node:'))).toEqual([])
  })

  test.each(Object.keys(mayImport))('%s keeps to its room', (room) => {
    const own = files.filter((file) => roomOf(file) === room)
    expect(own.flatMap((file) => problemsOf(file, readFileSync(join(sourceFolder, file), 'utf8')))).toEqual([])
  })
})

test('what tests share has no hooks of its own: files share it too, and only the first that loads it would have them', () => {
  const folder = join(import.meta.dirname, 'support')
  const files = globSync('**/*.ts', { cwd: folder })
  expect(files).toContain('fake-workers-pool.ts')
  const hooks = /^(before|after)(Each|All)\(/m
  expect(files.filter((file) => hooks.test(readFileSync(join(folder, file), 'utf8')))).toEqual([])
})

test('scripts, which users run, import nothing from the tests', () => {
  const scripts = join(sourceFolder, '../scripts')
  const wrong = globSync('**/*.ts', { cwd: scripts }).flatMap((path) =>
    importsOf(readFileSync(join(scripts, path), 'utf8'))
      .filter(
        ({ from }) => from.startsWith('.') && posix.join('scripts', posix.dirname(path), from).startsWith('test/'),
      )
      .map(({ from }) => `${path} imports ${from}`),
  )
  expect(wrong).toEqual([])
})
