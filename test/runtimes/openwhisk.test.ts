/** Packages of OpenWhisk as its runtimes take them: where the function is, and what each language does in its own way. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { BoundWorker, Outcome } from '../support/conformance-harness.ts'
import { processHarness } from '../support/shim-process.ts'

const packages = mkdtempSync(join(tmpdir(), 'taibai-openwhisk-'))
afterAll(() => rmSync(packages, { recursive: true, force: true }))

type Files = Record<string, string>

async function bind(language: 'nodejs' | 'python3', files: Files, entry: string): Promise<BoundWorker> {
  const runtime = fileURLToPath(new URL(`../../runtimes/${language}`, import.meta.url))
  const folder = mkdtempSync(join(packages, 'package-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return processHarness(runtime, folder).bind({ entry, signature: 'openwhisk' })
}

async function run(language: 'nodejs' | 'python3', files: Files, entry = 'main'): Promise<Outcome> {
  await using worker = await bind(language, files, entry)
  return await worker.call({ a: 1 }).outcome
}

const said = (value: unknown) => ({ state: 'value', kind: 'json', value })
const manifest = (more: object) => JSON.stringify({ name: 'action', ...more })

describe('an action for Node.js', () => {
  const found: [string, Files, string, unknown][] = [
    ['a function that is not exported', { 'hello.js': 'function main(p) { return { got: p.a } }' }, 'main', { got: 1 }],
    ['an arrow function', { 'hello.js': 'const main = ({ a }) => ({ a }) // the end' }, 'main', { a: 1 }],
    ['an export', { 'hello.js': 'exports.main = () => ({ by: "exports" })' }, 'main', { by: 'exports' }],
    ['module.exports', { 'hello.js': 'module.exports = { main: () => ({ m: 1 }) }' }, 'main', { m: 1 }],
    ['another name', { 'hello.js': 'function greet() { return { g: 1 } }' }, 'greet', { g: 1 }],
    [
      'a script that requires',
      { 'a.js': 'const os = require("os"); function main() { return { os: typeof os.arch() } }' },
      'main',
      { os: 'string' },
    ],
    [
      'a script that uses what the platform brings',
      {
        'a.js': `const openwhisk = require('openwhisk'), needle = require('needle')
function main() {
  const { actions } = openwhisk({ apihost: 'h', api_key: 'a:b' })
  return { invoke: typeof actions.invoke, get: typeof needle.get }
}`,
      },
      'main',
      { invoke: 'function', get: 'function' },
    ],
    [
      'a package that brings its own',
      {
        'package.json': manifest({}),
        'index.js': 'exports.main = () => ({ own: require("openwhisk").own })',
        'node_modules/openwhisk/index.js': 'exports.own = 1',
      },
      'main',
      { own: 1 },
    ],
    ['an ES module', { 'a.mjs': 'export const main = async () => ({ esm: true })' }, 'main', { esm: true }],
    [
      'an ES module that is called .js',
      { 'a.js': 'import os from "node:os"\nexport function main() { return { o: !!os } }' },
      'main',
      { o: true },
    ],
    ['TypeScript', { 'a.ts': 'export const main = (p: { a: number }) => ({ t: p.a })' }, 'main', { t: 1 }],
    [
      'index.js of a ZIP, with a module beside it',
      {
        'index.js': 'const { two } = require("./lib/two")\nexports.main = () => ({ two })',
        'lib/two.js': 'exports.two = 2',
      },
      'main',
      { two: 2 },
    ],
    [
      'the main of a package.json',
      {
        'package.json': manifest({ main: 'src/action.js' }),
        'src/action.js': 'exports.main = () => ({ p: 1 })',
        'other.js': '',
      },
      'main',
      { p: 1 },
    ],
    [
      'index.js beside a package.json without one',
      { 'package.json': manifest({}), 'index.js': 'exports.main = () => ({ i: 1 })' },
      'main',
      { i: 1 },
    ],
    ['file.function', { 'index.js': '', 'more.js': 'exports.run = () => ({ r: 1 })' }, 'more.run', { r: 1 }],
    ["Taibai's own entry", { 'index.js': 'exports.main = () => ({ i: 2 })', 'b.js': '' }, 'main.main', { i: 2 }],
  ]
  test.each(found)('is %s', async (_name, files, entry, value) => {
    expect(await run('nodejs', files, entry)).toMatchObject(said(value))
  })

  const missing: [string, Files, RegExp][] = [
    [
      'neither package.json nor index.js',
      { 'a.js': '', 'b.js': '' },
      /Zipped actions must contain either package.json/,
    ],
    ['no such function', { 'a.js': 'function other() {}' }, /entrypoint 'main' is not a function/],
    ['a value in its place', { 'a.js': 'const main = 5' }, /entrypoint 'main' is not a function/],
  ]
  test.each(missing)('is not there: %s', async (_name, files, message) => {
    await expect(bind('nodejs', files, 'main')).rejects.toMatchObject({
      type: 'EntryNotFound',
      message: expect.stringMatching(message),
    })
  })

  test('is refused because nothing is installed at the start', async () => {
    const files = { 'package.json': manifest({ dependencies: { leftpad: '1' } }), 'index.js': 'require("leftpad")' }
    await expect(bind('nodejs', files, 'main')).rejects.toMatchObject({
      message: expect.stringMatching(/leftpad[\s\S]*npm install is not run/),
    })
  })

  const failing: [string, string, object][] = [
    [
      'a rejected Error',
      'Promise.reject(Object.assign(new RangeError("far"), { statusCode: 404 }))',
      { error: { name: 'RangeError', message: 'far', statusCode: 404, stack: expect.stringContaining('RangeError') } },
    ],
    ['a rejected object', 'Promise.reject({ statusCode: 418 })', { error: { statusCode: 418 } }],
    ['a rejected text', 'Promise.reject("no")', { error: 'no' }],
    ['a rejection without a reason', 'Promise.reject()', { error: {} }],
    [
      'a cause',
      'Promise.reject(new Error("out", { cause: new Error("in") }))',
      { error: { message: 'out', cause: { message: 'in' } } },
    ],
  ]
  test.each(failing)('answers with %s', async (_name, code, value) => {
    expect(await run('nodejs', { 'a.js': `function main() { return ${code} }` })).toMatchObject({
      state: 'failed',
      value,
    })
  })

  test.each([
    ['what it throws while it is not async', 'throw new TypeError("dev")', 'dev'],
    ['an answer that JSON cannot say', 'return { big: 1n }', 'BigInt'],
  ])('has no answer for %s', async (_name, code, message) => {
    const outcome = await run('nodejs', { 'a.js': `function main() { ${code} }` })
    expect(outcome).toMatchObject({ state: 'failed', message: expect.stringContaining(message) })
    expect(outcome).not.toHaveProperty('value')
  })
})

describe('an action for Python', () => {
  const found: [string, Files, string, unknown][] = [
    ['a single file', { 'hello.py': 'def main(p):\n  return {"got": p["a"]}' }, 'main', { got: 1 }],
    ['another name', { 'hello.py': 'def greet(p):\n  return {"g": 1}' }, 'greet', { g: 1 }],
    [
      '__main__.py of a ZIP, with a module beside it',
      {
        '__main__.py': 'from lib import two\ndef main(p):\n  return {"two": two, "name": __name__}',
        'lib.py': 'two = 2',
      },
      'main',
      { two: 2, name: 'main__' },
    ],
    ['a file named exec', { exec: 'def main(p):\n  return {"e": 1}' }, 'main', { e: 1 }],
    ['async', { 'a.py': 'async def main(p):\n  return {"s": 1}' }, 'main', { s: 1 }],
    ['module.function', { 'a.py': '', 'b.py': 'def run(p):\n  return {"r": 1}' }, 'b.run', { r: 1 }],
    [
      "one with the platform's library of requests, and the certificates that it trusts",
      {
        'a.py': 'import os, requests\ndef main(p):\n  return {"is": os.path.getsize(requests.certs.where()) > 100000}',
      },
      'main',
      { is: true },
    ],
    [
      'one that brings that library itself',
      { '__main__.py': 'import requests\ndef main(p):\n  return {"v": requests.v}', 'requests.py': 'v = 5' },
      'main',
      { v: 5 },
    ],
    ["Taibai's own entry", { '__main__.py': 'def main(p):\n  return {"i": 2}', 'b.py': '' }, 'main.main', { i: 2 }],
    [
      'one with a virtualenv',
      {
        '__main__.py': 'import brought\ndef main(p):\n  return {"v": brought.v}',
        'virtualenv/lib/python3.13/site-packages/brought.py': 'v = 3',
      },
      'main',
      { v: 3 },
    ],
    [
      'one whose virtualenv is activated by its own script',
      {
        '__main__.py': 'import brought\ndef main(p):\n  return {"v": brought.v}',
        'virtualenv/bin/activate_this.py':
          'import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(__file__)), "modules"))',
        'virtualenv/modules/brought.py': 'v = 4',
      },
      'main',
      { v: 4 },
    ],
  ]
  test.each(found)('is %s', async (_name, files, entry, value) => {
    expect(await run('python3', files, entry)).toMatchObject(said(value))
  })

  const missing: [string, Files, RegExp][] = [
    ['no __main__.py', { 'a.py': '', 'b.py': '' }, /Zip file does not include __main__.py/],
    ['no such function', { 'a.py': 'x = 1' }, /no function 'main'/],
  ]
  test.each(missing)('is not there: %s', async (_name, files, message) => {
    await expect(bind('python3', files, 'main')).rejects.toMatchObject({
      type: 'EntryNotFound',
      message: expect.stringMatching(message),
    })
  })

  test('prints the trace of an exception', async () => {
    await using worker = await bind('python3', { 'a.py': 'def main(p):\n  raise KeyError("k")' }, 'main')
    const call = worker.call({})
    expect(await call.outcome).toMatchObject({ state: 'failed', type: 'KeyError', value: { error: "'k'" } })
    expect(call.output.stderr).toMatch(/Traceback[\s\S]*KeyError: 'k'/)
  })
})
