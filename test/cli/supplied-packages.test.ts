import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strFromU8, unzipSync } from 'fflate'
import { afterAll, describe, expect, test } from 'vitest'
import { readLocalCode } from '../../src/cli/manifest/local-code.ts'
import { suppliedPackages } from '../../src/cli/manifest/supplied-packages.ts'

const filesOf = (files: Record<string, string>) => ({
  names: Object.keys(files),
  text: (name: string) => files[name],
})
const supplied = (files: Record<string, string>, signature = 'lambda') => suppliedPackages(filesOf(files), signature)

const python = 'import json\nimport boto3\n\ndef lambda_handler(event, context):\n    pass\n'
const node = "import { S3Client } from '@aws-sdk/client-s3'\nexport const handler = async () => 1\n"

describe('nothing is added', () => {
  test.each<[string, Record<string, string>, string?]>([
    ['to code of other platforms', { 'main.py': python }, 'event'],
    ['to code that does not import it', { 'main.py': "print('boto3')" }],
    ['to a list that has it', { 'main.py': python, 'requirements.txt': 'Boto3==1.40\n' }],
    ['to a list with hashes', { 'main.py': python, 'requirements.txt': 'six==1.17 --hash=sha256:00\n' }],
    ['beside a lock file of Python', { 'main.py': python, 'uv.lock': '' }],
    ['to a package that has it', { 'main.py': python, 'boto3/__init__.py': '' }],
    ['to modules that are installed', { 'index.mjs': node, 'node_modules/@aws-sdk/client-s3/package.json': '{}' }],
    ['beside a lock file of Node.js', { 'index.mjs': node, 'package.json': '{}', 'package-lock.json': '{}' }],
    [
      'to dependencies that have it',
      { 'index.mjs': node, 'package.json': '{"dependencies": {"@aws-sdk/client-s3": "3.900.0"}}' },
    ],
    ['to a list that cannot be read', { 'index.mjs': node, 'package.json': '{' }],
    ['for what a test imports', { 'index.mjs': '', 'test/index.mjs': node }],
  ])('%s', (_what, files, signature) => {
    expect(supplied(files, signature)).toBeNull()
  })
})

describe('the SDK of AWS Lambda is added', () => {
  test('to a function in Python without a list, and with one', () => {
    expect(supplied({ 'lambda_function.py': python })).toEqual({
      names: ['boto3'],
      file: 'requirements.txt',
      text: 'boto3\n',
    })
    expect(supplied({ 'a.py': 'from botocore.exceptions import ClientError', 'requirements.txt': 'six' })?.text).toBe(
      'six\nboto3\n',
    )
    expect(supplied({ 'main.py': python, 'requirements.txt': 'boto3-stubs[s3]==1.40' })?.text).toBe(
      'boto3-stubs[s3]==1.40\nboto3\n',
    )
  })

  test('to a function in Node.js without a list, which is said to have modules of its kind', () => {
    const { text = '', names } =
      supplied({ 'index.js': node, 'lib/a.js': "await import('@aws-sdk/lib-storage')" }) ?? {}
    expect(names).toEqual(['@aws-sdk/client-s3', '@aws-sdk/lib-storage'])
    expect(JSON.parse(text)).toEqual({
      type: 'module',
      dependencies: { '@aws-sdk/client-s3': '*', '@aws-sdk/lib-storage': '*' },
    })
    const empty = supplied({ 'index.mjs': node, 'package.json': '{"dependencies": null, "devDependencies": null}' })
    expect(empty?.names).toEqual(['@aws-sdk/client-s3'])
    const common = supplied({ 'index.js': "const AWS = require('aws-sdk/clients/s3')" })
    expect(JSON.parse(common?.text ?? '')).toEqual({ dependencies: { 'aws-sdk': '*' } })
  })

  test('in the version that development uses', () => {
    const list = '{"name": "a", "dependencies": {"x": "1"}, "devDependencies": {"@aws-sdk/client-s3": "^3.1"}}'
    const { text = '' } = supplied({ 'index.mjs': node, 'package.json': list }) ?? {}
    expect(JSON.parse(text)).toEqual({
      name: 'a',
      dependencies: { x: '1', '@aws-sdk/client-s3': '^3.1' },
      devDependencies: { '@aws-sdk/client-s3': '^3.1' },
    })
  })
})

describe('a deployment', () => {
  const root = mkdtempSync(join(tmpdir(), 'taibai-supplied-'))
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  writeFileSync(join(root, 'lambda_function.py'), python)
  const listIn = (zip: Uint8Array) => {
    const list = unzipSync(zip)['requirements.txt']
    return list === undefined ? undefined : strFromU8(list)
  }

  test.each([
    ['a folder', root],
    ['a file', join(root, 'lambda_function.py')],
  ])('of %s says what was added', (_what, path) => {
    const { zip, what } = readLocalCode(path)
    expect(what).toContain('boto3 added to its requirements.txt, because AWS Lambda supplies it')
    expect(listIn(zip)).toBe('boto3\n')
    expect(Object.keys(unzipSync(zip)).sort()).toEqual(['lambda_function.py', 'requirements.txt'])
  })

  test('without a build adds nothing', () => {
    expect(listIn(readLocalCode(root, { build: 'never' }).zip)).toBeUndefined()
  })
})
