/** Functions written for Fission's Node.js and Python environments. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { BindOptions, BoundWorker, HttpRequest } from '../support/conformance-harness.ts'
import { packageFolders } from '../support/packages.ts'
import { processHarness } from '../support/shim-process.ts'

const folder = packageFolders()
const json: [string, string][] = [['content-type', 'application/json']]

const binder =
  (language: string) =>
  (files: Record<string, string>, options: BindOptions = {}) => {
    const runtime = fileURLToPath(new URL(`../../runtimes/${language}`, import.meta.url))
    return processHarness(runtime, folder(files)).bind({ signature: 'fission', entry: '', ...options })
  }

async function answered(worker: BoundWorker, request: HttpRequest) {
  const outcome = await worker.fetch(request).outcome
  if (outcome.state !== 'answer') throw new Error(JSON.stringify(outcome))
  return { status: outcome.status, headers: Object.fromEntries(outcome.headers), body: outcome.body.toString() }
}

/** Answers 201 with what it gets. */
async function shop() {
  const server = createServer(async (request, response) => {
    response.writeHead(201, { 'content-type': 'application/json' })
    response.end(`{"got": ${await text(request)}}`)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() }
}

describe('Node.js', () => {
  const bind = binder('nodejs')

  test('status, body and headers are the answer; the context has the request of Express', async () => {
    const code = `module.exports = async function (context) {
      const { method, path, query, body, headers } = context.request
      return { status: 201, headers: { 'x-a': '1' }, body: { method, path, query, body, name: headers['x-fission-function-name'], url: headers['x-fission-full-url'] } }
    }`
    await using worker = await bind({ 'hello.js': code })
    const url = 'http://h/fission-function/hello/a?b=c'
    const request = {
      method: 'POST',
      target: '/a?b=c',
      url,
      prefix: '/fission-function/hello',
      headers: json,
      body: '{"n":1}',
    }
    const { status, headers, body } = await answered(worker, request)
    expect([status, headers['x-a']]).toEqual([201, '1'])
    const seen = { method: 'POST', path: '/a', query: { b: 'c' }, body: { n: 1 }, name: 'conformance' }
    expect(JSON.parse(body)).toEqual({ ...seen, url: '/fission-function/hello/a?b=c' })
    expect(await worker.call({ n: 2 }).outcome).toMatchObject({ kind: 'json', value: { path: '/', body: { n: 2 } } })
  })

  const answers = `
    const { Readable } = require('stream')
    module.exports = {
      text: async () => ({ status: 200, body: 'hello\\n' }),
      callback: (context, callback) => callback(202, 'called', { 'x-b': '2' }),
      direct: ({ response }) => { response.status(203).send('direct') },
      bodyAlone: () => ({ body: 'b' }),
      nothing: () => {},
      throws: () => { throw new Error('secret') },
      stream: () => ({ status: 200, body: Readable.from(['a', 'b']) }),
      number: 5,
    }`

  test.each([
    ['text', 200, 'hello\n', 'text/html; charset=utf-8'],
    ['callback', 202, 'called', 'text/html; charset=utf-8'],
    ['direct', 203, 'direct', 'text/html; charset=utf-8'],
    ['bodyAlone', 200, 'b', 'text/html; charset=utf-8'],
    ['nothing', 500, 'Internal server error', 'text/html; charset=utf-8'],
    ['throws', 500, 'Internal server error', 'text/html; charset=utf-8'],
    ['stream', 200, 'ab', undefined],
  ])('the export %s answers %i %j', async (name, status, body, type) => {
    await using worker = await bind({ 'user.js': answers }, { entry: `user.${name}` })
    const answer = await answered(worker, { target: '/' })
    expect([answer.status, answer.body, answer.headers['content-type']]).toEqual([status, body, type])
    if (status === 500) {
      expect(await worker.call({}).outcome).toMatchObject({ state: 'failed', message: 'Internal server error' })
    }
  })

  test('modules of ECMAScript, and what the environment supplies', async () => {
    const code = `import express from 'express'
      export default async () => ({ status: 200, body: typeof express.Router })
      export const other = async () => ({ status: 200, body: 'other' })`
    const files = { 'a.mjs': code, 'b.js': '', 'package.json': '{"main": "a.mjs"}' }
    await using unnamed = await bind(files)
    expect((await answered(unnamed, { target: '/' })).body).toBe('function')
    await using named = await bind(files, { entry: 'a.other' })
    expect((await answered(named, { target: '/' })).body).toBe('other')
  })

  test.each<[string, Record<string, string>, string, RegExp]>([
    ['a file that is not there', { 'a.js': '' }, 'b', /no file "b"; its source files are: a.js/],
    ['what is not a function', { 'user.js': answers }, 'user.number', /user.js.number is not a function but 5/],
  ])('%s is refused', async (_name, files, entry, message) => {
    await expect(bind(files, { entry })).rejects.toThrow(message)
  })
})

describe('Python', () => {
  const bind = binder('python3')
  const code = `
from flask import request, current_app, Response, abort

def main():
    if request.path == '/missing': abort(404)
    if request.path == '/throw': raise ValueError('as asked')
    if request.path == '/response': return Response('own', 202, {'x-a': '1'})
    if request.path == '/none': return None
    current_app.logger.warning('seen')
    return {'method': request.method, 'body': request.get_json(silent=True), 'name': request.headers.get('X-Fission-Function-Name')}

def needs(argument): pass
`

  test('a function asks other servers with the library of requests', async () => {
    const { url, close } = await shop()
    const asks = `import requests\ndef main():\n  answer = requests.post('${url}', json={'n': 1}, timeout=5)\n  return answer.json(), answer.status_code`
    await using worker = await bind({ 'hello.py': asks })
    const answer = await answered(worker, { target: '/' })
    close()
    expect(answer).toMatchObject({ status: 201, body: '{"got":{"n":1}}\n' })
  })

  test('a function answers in a request of Flask', async () => {
    await using worker = await bind({ 'hello.py': code })
    const posted = await answered(worker, { method: 'POST', target: '/', headers: json, body: '{"n":1}' })
    expect(JSON.parse(posted.body)).toEqual({ method: 'POST', body: { n: 1 }, name: 'conformance' })
    const own = await answered(worker, { target: '/response' })
    expect([own.status, own.headers['x-a'], own.body]).toEqual([202, '1', 'own'])
    for (const [target, status] of [
      ['/missing', 404],
      ['/throw', 500],
      ['/none', 500],
    ] as const) {
      expect((await answered(worker, { target })).status).toBe(status)
    }
    expect((await answered(worker, { method: 'PATCH', target: '/' })).status).toBe(405)
    expect(await worker.call({ n: 2 }).outcome).toMatchObject({ kind: 'json', value: { body: { n: 2 } } })
  })

  test('an entry may name a module in a package, or a function of main', async () => {
    const files = { 'pkg/__init__.py': '', 'pkg/user.py': "def f(): return 'in pkg'", 'main.py': "def g(): return 'g'" }
    await using inside = await bind(files, { entry: 'pkg.user.f' })
    expect(await inside.call().outcome).toMatchObject({ value: 'in pkg' })
    await using word = await bind(files, { entry: 'g' })
    expect(await word.call().outcome).toMatchObject({ value: 'g' })
  })

  test.each([
    ['a function that is not there', 'hello.nothing', /no 'nothing'/],
    ['a function with an argument', 'hello.needs', /put fastapi into the package/],
  ])('%s is refused', async (_name, entry, message) => {
    await expect(bind({ 'hello.py': code }, { entry })).rejects.toThrow(message)
  })
})
