import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { manifestFile, manifestJsonSchema, readManifest } from '../../src/cli/manifest.ts'

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

test('Editors get a schema that knows every field', () => {
  const text = JSON.stringify(manifestJsonSchema())
  for (const field of ['functions', 'memory_mb', 'pattern', 'webhooks', 'aliases']) expect(text).toContain(`"${field}"`)
})
