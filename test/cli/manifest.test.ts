import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readLocalCode } from '../../src/cli/manifest/local-code.ts'
import { manifestFile, manifestJsonSchema, readManifest } from '../../src/cli/manifest/manifest.ts'
import { functionInManifest } from '../../src/cli/manifest/manifest-function.ts'
import { howOf } from '../../src/cli/manifest/manifest-steps.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taibai-manifest-'))
  file = join(folder, 'taibai.yaml')
})
afterEach(() => rmSync(folder, { recursive: true }))

function problem(text: string): string {
  writeFileSync(file, text)
  try {
    readManifest(file)
  } catch (error) {
    return (error as Error).message.replaceAll(file, 'taibai.yaml')
  }
  return ''
}

describe('taibai.yaml is refused with file, line and column', () => {
  test.each([
    ['when it is no YAML', 'functions:\n  a: [\n', /^taibai\.yaml:3:1: ./],
    ['without functions', 'name: x\n', /taibai\.yaml:1:1: /],
    [
      'with a field that there is not',
      'functions:\n  hello:\n    timeuot: 3\n',
      /^taibai\.yaml:3:5: functions\.hello: .*"timeuot"/,
    ],
    [
      'with a value of the wrong kind',
      'functions:\n  hello:\n    timeout: soon\n',
      /^taibai\.yaml:3:5: functions\.hello\.timeout: ./,
    ],
    [
      'with a name that no function has',
      'functions:\n  "b d": {}\n',
      /^taibai\.yaml:2:3: functions\.b d: a name has letters/,
    ],
    [
      'with a job that is never due',
      'functions:\n  a:\n    jobs:\n      b: {}\n',
      /^taibai\.yaml:4:7: functions\.a\.jobs\.b: a job needs "pattern"/,
    ],
    [
      'with a build that is neither',
      'functions:\n  a:\n    build: never\n',
      /^taibai\.yaml:3:5: functions\.a\.build: must be true, false or auto$/,
    ],
    [
      'with a build of an image',
      'functions:\n  a:\n    image: x\n    build: true\n',
      /^taibai\.yaml:4:5: functions\.a\.build: an image is taken as it is/,
    ],
    [
      'jobs beside the functions',
      'jobs: {}\nfunctions: {}\n',
      /^taibai\.yaml:1:1: "jobs" belongs to a function: write it below/,
    ],
    [
      'an unknown key of a job',
      'functions:\n  a:\n    code: .\n    jobs:\n      tick:\n        cron: x\n',
      /^taibai\.yaml:6:9: functions\.a\.jobs\.tick: "cron" is not known here; known are .*pattern/m,
    ],
    ['with code and an image', 'functions:\n  a: {code: ., image: x}\n', /"code" or "image", not both/],
  ])('%s', (_what, text, expected) => {
    expect(problem(text)).toMatch(expected)
  })
})

test('A manifest says functions with their triggers; numbers in the environment are texts', () => {
  writeFileSync(
    file,
    'functions:\n  a:\n    code: ./a\n    env: {PORT: 80, ON: true}\n    jobs: {tick: {pattern: "@hourly", input: {n: 1}}}\n',
  )
  expect(readManifest(file)).toEqual({
    folder,
    manifest: {
      functions: {
        a: { code: './a', env: { PORT: '80', ON: 'true' }, jobs: { tick: { pattern: '@hourly', input: { n: 1 } } } },
      },
    },
  })
})

test('The file of a folder is found by its name, and a file by itself', () => {
  expect(manifestFile(folder)).toBeUndefined()
  writeFileSync(file, '')
  expect(manifestFile(folder)).toBe(file)
  expect(manifestFile('/x/other.yml')).toBe('/x/other.yml')
})

describe('Whether the server installs what a function needs', () => {
  test.each([
    [undefined, {}, {}],
    ['auto', {}, { build: 'auto', withoutModules: false }],
    [true, {}, { build: 'auto', withoutModules: true }],
    [false, {}, { build: 'never' }],
    [true, { build: 'never' }, { build: 'never' }],
    [false, { build: 'always', withoutModules: true }, { build: 'always', withoutModules: true }],
  ] as const)('build: %s with %o on the command line', (build, how, expected) => {
    expect(howOf(build === undefined ? {} : { build }, how)).toEqual(expected)
  })

  test('The modules of a folder stay here when the server is to install them', () => {
    for (const path of ['node_modules/a/index.js', 'lib/main.js', 'x-1.dist-info/METADATA', 'main.mjs']) {
      mkdirSync(join(folder, path, '..'), { recursive: true })
      writeFileSync(join(folder, path), '')
    }
    const names = (how: object) => Object.keys(unzipSync(readLocalCode(folder, how).zip)).sort()
    expect(names({})).toEqual(['lib/main.js', 'main.mjs', 'node_modules/a/index.js', 'x-1.dist-info/METADATA'])
    expect(names({ withoutModules: true })).toEqual(['lib/main.js', 'main.mjs'])
  })
})

test('Editors get a schema that knows every field', () => {
  const text = JSON.stringify(manifestJsonSchema())
  for (const field of ['functions', 'memory_mb', 'pattern', 'webhooks', 'aliases', 'build'])
    expect(text).toContain(`"${field}"`)
})

test.each([
  [{}, undefined, 600],
  [{ signature: 'azure' as const, runtime: 'nodejs' }, undefined, 600],
  [{ timeout: 30 }, 30, undefined],
])(
  'an app of Azure Functions with %j has its functionTimeout, unless the manifest says another',
  (said, timeout, fileTimeout) => {
    mkdirSync(join(folder, 'shop'))
    writeFileSync(join(folder, 'shop', 'host.json'), '{"version": "2.0", "functionTimeout": "00:10:00"}')
    const { fields, ...state } = functionInManifest('shop', said, folder)
    expect([fields.signature, fields.timeout, state.fileTimeout]).toEqual(['azure', timeout, fileTimeout])
  },
)
