import { describe, expect, test } from 'vitest'
import { projectFolder } from '../../src/assets.ts'
import { builderOf } from '../../src/domain/functions/runtime.ts'
import { readRuntimes } from '../../src/engine/worker/runtime-catalog.ts'
import { type BuildRequest, type PackageFiles, requiredBuild } from '../../src/services/functions/dependency-list.ts'

/** Which files are dependency lists, and which files of a package its build uses, as the runtimes declare them. */

const runtimes = readRuntimes(`${projectFolder}/runtimes`, ['go'])
const factsOf = (runtime: string) => {
  const found = runtimes.find(({ name }) => name === runtime)
  return found && builderOf(runtimes, found.image, found.signature)
}
const owner = { projectId: 'red', runtimeImage: 'taibai/nodejs:1' }
const auto: BuildRequest = { mode: 'auto', bundle: false, entry: 'main.main' }

const packageOf = (files: Record<string, string>, hash = 'a'.repeat(64)): PackageFiles => ({
  hash,
  names: Object.keys(files).sort(),
  text: (name) => files[name] ?? '',
})
const wantedOf = (runtime: string, files: Record<string, string>, wish = auto, hash?: string) =>
  requiredBuild(packageOf(files, hash), factsOf(runtime), wish, owner)

const sharp = '{"dependencies": {"sharp": "0.34.5"}}'

describe('A package is taken as it is', () => {
  const cases: [what: string, runtime: string, files: Record<string, string>][] = [
    ['without a list', 'nodejs', { 'main.mjs': '' }],
    ['whose package.json needs nothing', 'nodejs', { 'package.json': '{"type": "module", "dependencies": {}}' }],
    [
      'that needs its packages for development only',
      'nodejs',
      { 'package.json': '{"devDependencies": {"vitest": "1"}}' },
    ],
    ['with its modules', 'nodejs', { 'package.json': sharp, node_modules: '' }],
    ['whose list is in a folder of it', 'nodejs', { 'app/package.json': sharp }],
    ['with a list of another language', 'python3', { 'package.json': sharp }],
    ['with a list that has comments only', 'python3', { 'requirements.txt': '# nothing\n\n' }],
    [
      'whose pyproject.toml has settings of tools only',
      'python3',
      { 'pyproject.toml': '[tool.ruff]\nline-length = 120' },
    ],
    [
      'whose pyproject.toml of Poetry needs Python only',
      'python3',
      {
        'pyproject.toml': '[tool.poetry.dependencies]\n# nothing\npython = "^3.11"\n\n[build-system]\nrequires = ["x"]',
      },
    ],
    ['whose Pipfile.lock has nothing', 'python3', { 'Pipfile.lock': '{"default": {}, "develop": {"x": {}}}' }],
    ['with modules of Python', 'python3', { 'requirements.txt': 'flask', 'flask-3.1.2.dist-info': '' }],
    ['with packages of Azure Functions', 'python3', { 'requirements.txt': 'flask', '.python_packages': '' }],
    ['with those of an action of OpenWhisk', 'python3', { 'requirements.txt': 'flask', virtualenv: '' }],
    ['that brings its program', 'provided', { 'go.mod': 'module a\n', bootstrap: '' }],
    ['of a program, with a list of another language', 'provided', { 'package.json': sharp, bootstrap: '' }],
    ['of a runtime that builds nothing', 'no-such-runtime', { 'package.json': sharp }],
  ]

  test.each(cases)('%s', (_what, runtime, files) => {
    expect(wantedOf(runtime, files)).toBeNull()
  })

  test('when it is to be', () => {
    expect(wantedOf('nodejs', { 'package.json': sharp }, { ...auto, mode: 'never' })).toBeNull()
  })
})

describe('A build that is asked for and cannot be is refused', () => {
  const always: BuildRequest = { ...auto, mode: 'always' }

  test('without a list', () => {
    expect(() => wantedOf('nodejs', { 'main.mjs': '' }, always)).toThrow(
      'There is nothing to build: the package has no list of dependencies at its top (package.json).',
    )
  })

  test('for a runtime that builds nothing', () => {
    expect(() => wantedOf('no-such-runtime', { 'main.mjs': '' }, always)).toThrow('This runtime has no builds')
  })

  test('as one file, for a language that has no such thing', () => {
    const wish = { ...auto, bundle: true }
    for (const list of ['main.py', 'requirements.txt']) {
      const asked = () => wantedOf('python3', { [list]: 'flask' }, wish)
      expect(asked).toThrow('This runtime makes no bundles: leave "bundle" out.')
    }
  })
})

describe('A package is built', () => {
  const cases: [list: string, runtime: string, files: Record<string, string>, given: string[] | null][] = [
    ['package.json', 'nodejs', { 'package.json': sharp, 'main.mjs': '' }, ['package.json']],
    ['go.mod', 'go', { 'go.mod': 'module a\n', 'a.go': '' }, null],
    ['go.mod', 'provided', { 'go.mod': 'module a\n', 'main.go': '' }, null],
    ['package.json', 'qinling-nodejs', { 'package.json': '{"optionalDependencies": {"a": "1"}}' }, ['package.json']],
    [
      'package.json',
      'nodejs',
      { 'package.json': sharp, 'pnpm-lock.yaml': 'lockfileVersion: 9', '.npmrc': 'a=b' },
      ['.npmrc', 'package.json', 'pnpm-lock.yaml'],
    ],
    ['package.json', 'nodejs', { 'package.json': '{"dependencies": {"own": "file:./own"}}' }, null],
    ['package.json', 'nodejs', { 'package.json': `{"scripts": {"postinstall": "x"}, ${sharp.slice(1)}` }, null],
    ['requirements.txt', 'python3', { 'requirements.txt': '# web\nflask==3.1.2\n' }, ['requirements.txt']],
    ['requirements.txt', 'python3', { 'requirements.txt': 'flask\n-r more.txt\n', 'more.txt': '' }, null],
    ['requirements.txt', 'python3', { 'requirements.txt': 'flask\n-rmore.txt\n', 'more.txt': '' }, null],
    ['requirements.txt', 'python3', { 'requirements.txt': './own' }, null],
    [
      'poetry.lock',
      'python3',
      { 'poetry.lock': '[[package]]\nname = "x"', 'pyproject.toml': '[project]\ndependencies = ["x"]' },
      ['poetry.lock', 'pyproject.toml'],
    ],
    [
      'requirements.txt',
      'python3',
      { 'poetry.lock': '[[package]]\nname = "x"', 'requirements.txt': 'x' },
      ['poetry.lock', 'requirements.txt'],
    ],
    ['Pipfile.lock', 'python3', { 'Pipfile.lock': '{"default": {"x": {}}}', Pipfile: '' }, ['Pipfile', 'Pipfile.lock']],
    [
      'pyproject.toml',
      'python3',
      { 'pyproject.toml': '[tool.poetry.dependencies]\npython = "^3.11"\n\n# web\nflask = "^3"\n' },
      ['pyproject.toml'],
    ],
    ['pyproject.toml', 'python3', { 'pyproject.toml': '[tool.poetry.dependencies]\nown = { path = "own" }' }, null],
    [
      'poetry.lock',
      'python3',
      { 'poetry.lock': '[[package]]\n[package.source]\ntype = "directory"\nurl = "own"' },
      null,
    ],
    [
      'package.json',
      'nodejs',
      { 'package.json': sharp, 'bun.lock': '{}', '.pnpmfile.cjs': '' },
      ['.pnpmfile.cjs', 'bun.lock', 'package.json'],
    ],
    ['package.json', 'nodejs', { 'package.json': sharp, '.yarnrc.yml': 'plugins:\n  - .yarn/plugins/a.cjs' }, null],
    [
      'pyproject.toml',
      'python3',
      { 'pyproject.toml': '[project]\ndependencies = [\n  "flask",\n]' },
      ['pyproject.toml'],
    ],
    [
      'uv.lock',
      'python3',
      {
        'uv.lock': '[[package]]\nname = "x"\nsource = { virtual = "." }',
        'pyproject.toml': '',
        'requirements.txt': 'x',
      },
      ['pyproject.toml', 'requirements.txt', 'uv.lock'],
    ],
  ]

  test.each(cases)('by %s for %s', (list, runtime, files, given) => {
    expect(wantedOf(runtime, files)).toMatchObject({ list, files: given })
  })

  test('also when its modules are there, if that is asked for', () => {
    const files = { 'package.json': sharp, node_modules: '' }
    expect(wantedOf('nodejs', files, { ...auto, mode: 'always' })).toMatchObject({ files: ['package.json'] })
  })

  test('without a list, when its entry is to be one file: all of it is needed then', () => {
    expect(wantedOf('nodejs', { 'main.ts': '' }, { ...auto, bundle: true })).toMatchObject({ files: null })
  })
})

describe('What was installed serves', () => {
  const keyOf = (files: Record<string, string>, change: Partial<typeof owner> = {}, hash?: string) =>
    requiredBuild(packageOf(files, hash), factsOf('nodejs'), auto, { ...owner, ...change })?.key
  const lists = { 'package.json': sharp, 'package-lock.json': '{}' }

  test('other code with the same lists', () => {
    expect(keyOf({ ...lists, 'main.mjs': '1' }, {}, 'b'.repeat(64))).toBe(keyOf({ ...lists, 'main.mjs': '2' }))
  })

  const others: [what: string, key: string | undefined][] = [
    ['another lock file', keyOf({ ...lists, 'package-lock.json': '{"a": 1}' })],
    ['another runtime', keyOf(lists, { runtimeImage: 'taibai/nodejs:2' })],
    // Who may run programs in builds could leave something for others there.
    ['another project', keyOf(lists, { projectId: 'blue' })],
  ]
  test.each(others)('not %s', (_what, key) => {
    expect(key).not.toBe(keyOf(lists))
  })

  test('not another package, when the list names a folder of it', () => {
    const files = { 'package.json': '{"dependencies": {"own": "file:./own"}}' }
    expect(keyOf(files, {}, 'b'.repeat(64))).not.toBe(keyOf(files))
  })
})

test.each([
  ['requirements.txt', `flask${'\n'.repeat(80_000)}`],
  ['pyproject.toml', 'dependencies=[\n'.repeat(40_000)],
  ['pyproject.toml', `[tool.poetry.dependencies]${'\npython = 3 '.repeat(40_000)}`],
  ['pyproject.toml', `[tool.poetry.dependencies]${'\n'.repeat(80_000)}`],
])('A list made to be slow to read holds nobody up: %s', (list, text) => {
  const begunMs = performance.now()
  wantedOf('python3', { [list]: text })
  expect(performance.now() - begunMs).toBeLessThan(10_000)
})
