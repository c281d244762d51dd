import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readLocalCode } from '../../src/cli/manifest/local-code.ts'

const root = mkdtempSync(join(tmpdir(), 'taibai-handlers-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

function folder(files: Record<string, string>): string {
  const at = mkdtempSync(join(root, 'shop-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(at, path)), { recursive: true })
    writeFileSync(join(at, path), text)
  }
  return at
}

const file = (name: string, text: string): string => join(folder({ [name]: text }), name)

const lambda = 'exports.handler = async (event) => ({ statusCode: 200 })'
const none = { signature: undefined, entry: undefined }

describe('a file is recognised as', () => {
  test.each<[string, string, string, object]>([
    [
      'an action of OpenWhisk, whose main is not exported',
      'hello.js',
      'function main(params) {\n  return params\n}\n',
      { signature: 'openwhisk', entry: undefined },
    ],
    ['a function of AWS Lambda', 'hello.mjs', 'export const handler = async () => 1', { entry: 'hello.handler' }],
    ['one in Python', 'app.py', 'def lambda_handler(event, context):\n  pass', { entry: 'app.lambda_handler' }],
    [
      'a function of Fission',
      'hello.js',
      'module.exports = async (context) => {\n  return { status: 200, body: "hi" }\n}',
      { signature: 'fission', entry: undefined },
    ],
    [
      'one with a callback',
      'hello.js',
      'module.exports = (context, callback) => {\n  callback(200, "hi")\n}',
      { signature: 'fission' },
    ],
    [
      'one that asks Flask',
      'hello.py',
      'from flask import request\n\ndef main():\n  return "hi"\n',
      { signature: 'fission', runtime: 'python3' },
    ],
    [
      'one that answers with a body and its status',
      'hello.py',
      'def main():\n  return "Not Found\\n", 404\n',
      { signature: 'fission', runtime: 'python3' },
    ],
    [
      "one that takes FastAPI's request",
      'hello.py',
      'from fastapi import Request\n\nasync def main(request: Request):\n  return 1\n',
      { signature: 'fission', runtime: 'python3' },
    ],
    [
      'a web function',
      'hello.js',
      'export default async (request) => new Response("hi")',
      { signature: 'http', entry: 'hello.default' },
    ],
    [
      'an event function, though it has a handler of AWS Lambda too',
      'hello.js',
      'exports.main = (event) => event\nexports.handler = exports.main',
      { signature: undefined, entry: 'hello.main' },
    ],
    [
      'one in Python with such a handler',
      'hello.py',
      'def main(params):\n  return params\n\ndef lambda_handler(event, context):\n  return main(event)\n',
      { signature: undefined, entry: 'hello.main' },
    ],
    [
      'a function of AWS Lambda whose module is a script too',
      'app.py',
      'def main():\n  pass\n\ndef lambda_handler(event, context):\n  main()\n',
      { signature: 'lambda', entry: 'app.lambda_handler' },
    ],
    [
      'one of Qinling',
      'hello.py',
      'def main(params):\n  return params\n',
      { signature: undefined, entry: 'hello.main' },
    ],
    [
      'one whose main is imported, beside a handler of its log',
      'hello.py',
      'import logging\nfrom shop import main\n\nhandler = logging.StreamHandler()\n',
      { signature: undefined, entry: 'hello.main' },
    ],
    [
      'one that exports main and answers with a Response by default',
      'hello.mjs',
      'export const main = (event) => event\nexport default () => new Response("hi")',
      { signature: undefined, entry: 'hello.main' },
    ],
    ['an event function that exports main', 'hello.js', 'exports.main = (event) => event', { entry: 'hello.main' }],
    ['one in Python by its handler', 'hello.py', 'def handler(event, context):\n  pass', { entry: 'hello.handler' }],
  ])('%s', (_name, name, text, expected) => {
    expect(readLocalCode(file(name, text))).toMatchObject(expected)
  })
})

describe('a folder is recognised as', () => {
  test.each<[string, Record<string, string>, object]>([
    [
      "Google's, which names no framework",
      { 'index.js': 'exports.shop = async (req, res) => {\n  res.send("hi")\n}', 'package.json': '{}' },
      { signature: 'gcf', entry: 'shop', runtime: 'nodejs' },
    ],
    [
      'one in Python with types',
      { 'main.py': 'import os\n\ndef shop(request: flask.Request) -> str:\n    return "hi"\n' },
      { signature: 'gcf', entry: 'shop' },
    ],
    [
      'one in Python without types',
      { 'main.py': 'import os\n\ndef shop(request):\n    return "hi"\n' },
      { signature: 'gcf', entry: 'shop', runtime: 'python3' },
    ],
    [
      'one of Taibai with a function of a request',
      { 'main.py': 'def main(request):\n    pass\n' },
      { signature: undefined, entry: undefined },
    ],
    ['a function of AWS Lambda', { 'index.js': lambda, 'package.json': '{}' }, { signature: 'lambda' }],
    ['one by its only file', { 'orders.js': lambda, 'orders.test.js': '' }, { entry: 'orders.handler' }],
    [
      'one of a package of Python, by its only module',
      { '__init__.py': '', 'hello.py': 'def main():\n  return 1' },
      { entry: 'hello.main' },
    ],
    ['a function of Taibai, if it has a module main', { 'index.js': lambda, 'main.js': '' }, none],
    ['nothing, if no module stands out', { 'a.js': lambda, 'b.js': lambda }, none],
  ])('%s', (_name, files, expected) => {
    expect(readLocalCode(folder(files))).toMatchObject(expected)
  })
})

describe('what the user says is not guessed', () => {
  test('a signature with an entry of its own leaves the entry to it', () => {
    const fission = file('hello.js', 'module.exports = async (context) => ({ status: 200 })')
    expect(readLocalCode(fission, {}, { signature: 'fission' })).toMatchObject({
      signature: 'fission',
      entry: undefined,
    })
    expect(readLocalCode(file('hello.js', lambda), {}, { signature: 'openwhisk' })).toMatchObject(none)
  })

  test('another signature than that of the code takes the name of its handler', () => {
    const code = readLocalCode(file('data.js', lambda), {}, { signature: 'kubeless' })
    expect(code).toMatchObject({ signature: undefined, entry: 'data.handler' })
  })

  test('with an entry the signature stays the default', () => {
    expect(readLocalCode(file('app.js', lambda), {}, { entry: 'app.handler' })).toMatchObject({ signature: undefined })
  })
})
