import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, describe, expect, test } from 'vitest'
import { readLocalCode } from '../../src/cli/manifest/local-code.ts'

const root = mkdtempSync(join(tmpdir(), 'taibai-known-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

function folder(files: Record<string, string>): string {
  const at = mkdtempSync(join(root, 'shop-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(at, path)), { recursive: true })
    writeFileSync(join(at, path), text)
  }
  return at
}

const google = '{"dependencies": {"@google-cloud/functions-framework": "^5.0.0"}}'
const nodeSource =
  "const f = require('@google-cloud/functions-framework')\nf.http('hello', (req, res) => res.send('hi'))"
const pythonSource = 'import functions_framework\n\n@functions_framework.cloud_event\ndef taken(event):\n    pass\n'

const goWeb = 'package hello\n\nfunc Handle(w http.ResponseWriter, r *http.Request) {\n}\n'

describe('a folder is recognised as', () => {
  test.each<[string, Record<string, string>, object]>([
    [
      'a function in Go that takes requests',
      { 'go.mod': 'module hello', 'hello.go': goWeb, 'below/x.go': 'package below' },
      { runtime: 'go', signature: 'http' },
    ],
    [
      'a function in Go that takes events, whatever other packages take',
      { 'go.mod': 'module hello', 'main.go': 'package main\nfunc Handler() {}', 'web/web.go': goWeb },
      { runtime: 'go', signature: undefined },
    ],
    [
      'an app of Express, by what its module exports',
      {
        'package.json': '{"dependencies": {"express": "^5"}}',
        'server.js': "const express = require('express')\nconst app = express()\nmodule.exports = app\n",
      },
      { runtime: 'nodejs', signature: 'http', entry: 'server.default' },
    ],
    [
      'an app of Fastify that is exported by its name',
      {
        'package.json': '{"dependencies": {"fastify": "^5"}}',
        'app.ts': "import Fastify from 'fastify'\nexport const shop = Fastify({ logger: true })\n",
      },
      { runtime: 'nodejs', signature: 'http', entry: 'app.shop' },
    ],
    [
      'an app of Koa',
      {
        'package.json': '{"dependencies": {"koa": "^3"}}',
        'app.js': "const Koa = require('koa')\nconst app = new Koa()\nmodule.exports = { app }\n",
      },
      { runtime: 'nodejs', signature: 'http', entry: 'app.app' },
    ],
    [
      'an app of Hono',
      {
        'package.json': '{"dependencies": {"hono": "^4"}}',
        'main.mjs': "import { Hono } from 'hono'\nconst app = new Hono()\nexport default app\n",
      },
      { runtime: 'nodejs', signature: 'http', entry: 'main.default' },
    ],
    [
      'a function that uses Express itself',
      {
        'package.json': '{"dependencies": {"express": "^5"}}',
        'main.mjs': 'const app = express()\nexport const main = () => 1\nexport default app\n',
      },
      { runtime: 'nodejs', signature: undefined },
    ],
    [
      'an app of Django, by the module that makes it for servers of WSGI',
      {
        'requirements.txt': 'django',
        'serve.py': 'from django.core.wsgi import get_wsgi_application\n\napplication = get_wsgi_application()\n',
      },
      { runtime: 'python3', signature: 'http', entry: 'serve.application' },
    ],
    [
      'one of Django for servers of ASGI',
      { 'serve.py': 'import django.core.asgi\n\napp = django.core.asgi.get_asgi_application()\n' },
      { runtime: 'python3', signature: 'http', entry: 'serve.app' },
    ],
    [
      'an app of Flask, by the module and the name that it has',
      { 'requirements.txt': 'flask', 'shop.py': 'from flask import Flask\n\nserver = Flask(__name__)\n' },
      { runtime: 'python3', signature: 'http', entry: 'shop.server' },
    ],
    [
      'one whose view is called main',
      { 'app.py': 'app = Flask(__name__)\n\n@app.get("/")\ndef main():\n    return "hi"\n' },
      { signature: 'http', entry: 'app.app' },
    ],
    [
      'an app of FastAPI whose view main takes arguments, beside a script that starts it',
      {
        'app.py': 'app = FastAPI()\n\n@app.get("/")\nasync def main(a: int):\n    pass\n',
        'main.py': 'def main():\n    pass\n',
      },
      { signature: 'http', entry: 'app.app' },
    ],
    [
      'an action of OpenWhisk, whatever its function is called',
      { '__main__.py': 'from greet import greet\n\ndef niam(args):\n    return greet(args)\n', 'greet.py': '' },
      { runtime: 'python3', signature: 'openwhisk', entry: 'niam' },
    ],
    [
      'a program of Python, if the package has a module main of its own',
      { '__main__.py': 'import main\n\ndef run():\n    pass\n', 'main.py': 'def main(event):\n    pass\n' },
      { runtime: 'python3', signature: undefined },
    ],
    [
      'an app of FastAPI',
      { 'requirements.txt': 'fastapi', 'main.py': 'import fastapi\n\napp: FastAPI = fastapi.FastAPI(title="a")\n' },
      { runtime: 'python3', signature: 'http', entry: 'main.app' },
    ],
    [
      'a function of Taibai, beside an app that is for its development',
      { 'main.py': 'def main(event, context):\n    pass\n', 'serve.py': 'app = Flask(__name__)\n' },
      { signature: undefined, entry: undefined },
    ],
    [
      'a function for events, also where it makes an app for itself',
      { 'requirements.txt': 'flask', 'main.py': 'app = Flask(__name__)\n\ndef main(event, context):\n    pass\n' },
      { runtime: 'python3', signature: undefined },
    ],
    [
      'an app of Azure Functions',
      { 'host.json': '{}', 'package.json': '{}' },
      { runtime: 'nodejs', signature: 'azure' },
    ],
    [
      'one with a limit of its own',
      { 'host.json': '{"functionTimeout": "00:10:30"}', 'function_app.py': '' },
      { runtime: 'python3', signature: 'azure', timeout: 630 },
    ],
    [
      'a function of the Functions Framework, by its dependency',
      { 'package.json': google, 'index.js': nodeSource },
      { runtime: 'nodejs', signature: 'gcf', entry: 'hello' },
    ],
    [
      'an action of OpenWhisk for Python',
      { '__main__.py': 'def main(params):\n  return params\n', 'lib.py': '' },
      { runtime: 'python3', signature: 'openwhisk', entry: 'main' },
    ],
    [
      'an action of OpenWhisk for Node.js',
      { 'package.json': '{"main": "./lib/action.js"}', 'lib/action.js': 'exports.main = (params) => params' },
      { runtime: 'nodejs', signature: 'openwhisk', entry: 'main' },
    ],
    [
      'an action of OpenWhisk that exports an object',
      { 'package.json': '{}', 'index.js': 'async function main(p) { return p }\nmodule.exports = { main }' },
      { runtime: 'nodejs', signature: 'openwhisk', entry: 'main' },
    ],
    [
      'a function of Taibai, although it exports main',
      { 'package.json': '{"main": "main.js"}', 'main.js': 'exports.main = (event) => event' },
      { runtime: 'nodejs', signature: undefined },
    ],
    [
      'one whose target a script names',
      {
        'package.json': google.replace('{"dep', '{"scripts": {"start": "functions-framework --target=other"}, "dep'),
        'index.js': nodeSource,
      },
      { signature: 'gcf', entry: 'other' },
    ],
    [
      'one that is not registered, by the only export',
      { 'package.json': google, 'index.js': 'exports.helloPubSub = (message, context) => {}' },
      { signature: 'gcf', entry: 'helloPubSub' },
    ],
    [
      'one in Python, by its import',
      { 'main.py': pythonSource },
      { runtime: 'python3', signature: 'gcf', entry: 'taken' },
    ],
    [
      'one in Python, by its requirements',
      { 'requirements.txt': 'functions-framework==3.*\n', 'main.py': '' },
      { runtime: 'python3', signature: 'gcf', entry: undefined },
    ],
    [
      'one of AWS Lambda in Go, by its library and what it starts',
      {
        'go.mod': 'module shop\n\nrequire github.com/aws/aws-lambda-go v1.55.1\n',
        'main.go': 'package main\n\nfunc main() { lambda.Start(handle) }\n',
      },
      { runtime: 'provided', signature: 'runtime-api', entry: undefined },
    ],
    [
      'one in Go that uses events of that library only',
      { 'go.mod': 'module shop\n\nrequire github.com/aws/aws-lambda-go v1.55.1\n', 'shop.go': 'package shop' },
      { runtime: 'go', signature: undefined },
    ],
    [
      'nothing in particular',
      { 'main.py': 'def main(event, context): pass' },
      { runtime: 'python3', signature: undefined, entry: undefined },
    ],
  ])('%s', (_name, files, expected) => {
    expect(readLocalCode(folder(files))).toMatchObject(expected)
  })

  test('and it is said', () => {
    expect(readLocalCode(folder({ 'main.py': pythonSource })).what).toMatch(
      /, recognised as a function of the Functions Framework$/,
    )
  })
})

test('a ZIP and a file are looked into as well', () => {
  const zip = join(root, 'z.zip')
  writeFileSync(zip, zipSync({ 'package.json': Buffer.from(google), 'index.js': Buffer.from(nodeSource) }))
  expect(readLocalCode(zip)).toMatchObject({ runtime: 'nodejs', signature: 'gcf', entry: 'hello' })
  const file = join(folder({ 'hello.py': pythonSource }), 'hello.py')
  expect(readLocalCode(file)).toMatchObject({ runtime: 'python3', signature: 'gcf', entry: 'taken' })
  writeFileSync(zip, 'no ZIP')
  expect(readLocalCode(zip)).toMatchObject({ runtime: undefined, signature: undefined })
})

test.each([
  ['report.sh', 'executable', 'report.main'],
  ['main.sh', 'executable', undefined],
  ['report.rb', 'ruby', 'report.main'],
  ['report.ts', 'nodejs', 'report.main'],
  ['main.go', 'go', undefined],
])('%s is of the runtime %s: each says itself what its files are called', (name, runtime, entry) => {
  expect(readLocalCode(join(folder({ [name]: '' }), name))).toMatchObject({ runtime, entry })
})

test('a folder is known by a file of its language, or by its modules', () => {
  expect(readLocalCode(folder({ Gemfile: '', 'lib/a.py': '' })).runtime).toBe('ruby')
  expect(readLocalCode(folder({ 'go.mod': 'module shop', 'shop.go': 'package shop' })).runtime).toBe('go')
  expect(readLocalCode(folder({ 'main.sh': '', 'notes.txt': '' })).runtime).toBe('executable')
  expect(readLocalCode(folder({ 'a.rb': '', 'b.py': '' })).runtime).toBeUndefined()
  expect(readLocalCode(folder({ 'a.py': '', 'b.py': '', 'build.sh': '' })).runtime).toBe('python3')
})

test('a folder without code names those below that have some', () => {
  const app = {
    'azure.yaml': '',
    'src/host.json': '{}',
    'src/package.json': '{}',
    'infra/x/main.py': '',
    'docs/a.md': '',
  }
  expect(readLocalCode(folder(app)).codeIn).toEqual(['src'])
  expect(readLocalCode(folder({ 'main.py': '', 'lib/main.py': '' })).codeIn).toEqual([])
})

test.each<[string, Record<string, string>, string | undefined]>([
  ['its registration', { 'index.js': nodeSource }, 'hello'],
  [
    'its only export',
    { 'package.json': '{"type": "module"}', 'index.js': 'export const shop = (req, res) => {}' },
    'shop',
  ],
  ['its decorator', { 'main.py': pythonSource.replace('import functions_framework', '') }, 'taken'],
  [
    'its decorator for async functions',
    { 'main.py': '@functions_framework.aio.http\nasync def shop(r):\n  pass\n' },
    'shop',
  ],
  ['none of two exports', { 'index.js': 'exports.a = 1\nexports.b = 2' }, undefined],
])(
  'with the signature of the Functions Framework, code that does not list it has a target by %s',
  (_name, files, entry) => {
    expect(readLocalCode(folder(files), {}, { signature: 'gcf' }).entry).toBe(entry)
  },
)

test('a ZIP is of the language of its files, as a folder is', () => {
  const zip = join(root, 'hello.zip')
  writeFileSync(
    zip,
    zipSync({ 'hello.py': Buffer.from('def foo(event, context):\n  pass'), 'lib/a.js': Buffer.from('') }),
  )
  expect(readLocalCode(zip)).toMatchObject({ runtime: 'python3' })
})

describe('what becomes an image elsewhere is refused, and it is said what to do', () => {
  test.each([
    ['func.yaml', 'specVersion: 0.36.0\nruntime: node\n', /Knative.*--image/],
    ['stack.yaml', 'version: 1.0\nprovider:\n  name: openfaas\nfunctions: {}\n', /OpenFaaS.*--image/],
  ])('%s', (name, text, message) => {
    expect(() => readLocalCode(folder({ [name]: text, 'index.js': '' }))).toThrow(message)
  })
})
