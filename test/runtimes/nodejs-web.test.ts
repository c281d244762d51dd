/** Web applications of Node.js frameworks, as they are written for any host: real packages, at a place below a host. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { Outcome } from '../support/conformance-harness.ts'
import { ShimProcess } from '../support/shim-process.ts'

const runtime = fileURLToPath(new URL('../../runtimes/nodejs', import.meta.url))
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
const packages = mkdtempSync(join(tmpdir(), 'taibai-packages-'))
afterAll(() => rmSync(packages, { recursive: true, force: true }))

const prefix = '/fn/shop'

class Shop implements AsyncDisposable {
  readonly shim: ShimProcess

  constructor(shim: ShimProcess) {
    this.shim = shim
  }

  async ask(method: string, target: string, more: { body?: string; headers?: [string, string][] } = {}) {
    const { body = '', headers = [] } = more
    const url = `https://example.org${prefix}${target}`
    const asked: [string, string][] = [['host', 'example.org'], ['x-forwarded-prefix', prefix], ...headers]
    const call = this.shim.connection.fetch({ method, target, prefix, url, headers: asked, body })
    const outcome = await call.outcome
    expect(outcome).toMatchObject({ state: 'answer' })
    const { status, headers: given, body: bytes, streamed } = outcome as Extract<Outcome, { state: 'answer' }>
    const header = (name: string) => given.find(([one]) => one === name)?.[1]
    return { status, header, headers: given, text: bytes.toString(), bytes, streamed, log: call.output.stdout }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shim.kill()
  }
}

async function shop(files: Record<string, string>): Promise<Shop> {
  const folder = mkdtempSync(join(packages, 'package-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  symlinkSync(modules, join(folder, 'node_modules'))
  const shim = await ShimProcess.start(runtime)
  await shim.bind(folder, { signature: 'http', concurrency: 10 })
  return new Shop(shim)
}

describe('an Express application', () => {
  const express = {
    'public/styles/site.css': 'body {}',
    'main.mjs': `import express from 'express'
      export const main = express()
      main.use(express.json())
      main.use('/assets', express.static('public'))
      main.get('/items', (req, res) => res.json([req.baseUrl, req.url, req.originalUrl, req.get('x-forwarded-prefix'), req.query.page]))
      main.get('/home', (req, res) => res.redirect(req.baseUrl + '/items'))
      main.post('/items', (req, res) => res.status(201).cookie('a', '1').cookie('b', '2').send(req.body.name))
      main.get('/length', (req, res) => res.type('text').send('hello'))
      main.delete('/items/:id', (req, res) => res.sendStatus(204))
      main.get('/stream', async (req, res) => {
        for (let n = 0; n < 50; n++) res.write(Buffer.alloc(40_000, n))
        await new Promise((resolve) => setTimeout(resolve, 20))
        console.log('wrote')
        res.end('end')
      })
      main.get('/throws', () => { throw new Error('no') })
      main.get('/cut', (req, res) => { res.write('half'); setTimeout(() => req.socket.destroy(), 20) })`,
  }

  test('routes by what is below its place, and knows the place', async () => {
    await using app = await shop(express)
    const { status, text } = await app.ask('GET', '/items?page=2')
    expect(status).toBe(200)
    expect(JSON.parse(text)).toEqual([prefix, '/items?page=2', `${prefix}/items?page=2`, prefix, '2'])
  })

  test('makes redirects and static files that lead back to it', async () => {
    await using app = await shop(express)
    expect((await app.ask('GET', '/home')).header('location')).toBe(`${prefix}/items`)
    const folder = await app.ask('GET', '/assets/styles')
    expect([folder.status, folder.header('location')]).toEqual([301, `${prefix}/assets/styles/`])
    expect(await app.ask('GET', '/assets/styles/site.css')).toMatchObject({ status: 200, text: 'body {}' })
  })

  test('reads a body, and its repeated headers stay repeated', async () => {
    await using app = await shop(express)
    const json: [string, string][] = [['content-type', 'application/json']]
    const { status, text, headers } = await app.ask('POST', '/items', { body: '{"name":"grüß"}', headers: json })
    expect([status, text]).toEqual([201, 'grüß'])
    expect(headers.filter(([name]) => name === 'set-cookie')).toHaveLength(2)
    expect(headers.map(([name]) => name)).not.toContain('connection')
  })

  test('answers HEAD with the length that GET would have, and 204 without one', async () => {
    await using app = await shop(express)
    const head = await app.ask('HEAD', '/length')
    expect([head.status, head.header('content-length'), head.text]).toEqual([200, '5', ''])
    const gone = await app.ask('DELETE', '/items/7')
    expect([gone.status, gone.header('content-length'), gone.text]).toEqual([204, undefined, ''])
  })

  test('streams, with its prints in the log of the call; a short answer is one frame', async () => {
    await using app = await shop(express)
    const { bytes, streamed, log } = await app.ask('GET', '/stream')
    expect(bytes).toHaveLength(50 * 40_000 + 3)
    expect([streamed, log]).toEqual([true, 'wrote\n'])
    expect(await app.ask('GET', '/length')).toMatchObject({ text: 'hello', streamed: false })
  })

  test('answers its errors itself, and its 404s', async () => {
    await using app = await shop(express)
    expect(await app.ask('GET', '/throws')).toMatchObject({ status: 500 })
    expect(await app.ask('GET', '/nowhere')).toMatchObject({ status: 404 })
  })

  test('an answer that breaks off is a failure', async () => {
    await using app = await shop(express)
    const call = app.shim.connection.fetch({ target: '/cut' })
    expect(await call.outcome).toMatchObject({ state: 'failed', message: expect.stringContaining('before its answer') })
  })

  test('answers many calls at once', async () => {
    await using app = await shop(express)
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => app.ask('GET', `/items?page=${n}`)))
    for (const [n, { text }] of answers.entries()) expect(JSON.parse(text)[4]).toBe(`${n}`)
  })
})

describe('a Hono application', () => {
  const hono = {
    'public/site.css': 'body {}',
    'main.mjs': `import { Hono } from 'hono'
      import { trimTrailingSlash } from 'hono/trailing-slash'
      const app = new Hono()
      app.use(trimTrailingSlash())
      app.get('/items', (c) => c.json([c.req.path, c.req.url, c.req.header('x-forwarded-prefix'), c.req.query('page')]))
      app.get('/items/:id', (c) => c.text(c.req.param('id')))
      app.get('/home', (c) => c.redirect(new URL('items', c.req.url)))
      app.get('/', (c) => c.text('front'))
      export default app`,
  }

  test('routes by what is below its place, and knows the whole URL', async () => {
    await using app = await shop(hono)
    const { text } = await app.ask('GET', '/items?page=2')
    expect(JSON.parse(text)).toEqual(['/items', `https://example.org${prefix}/items?page=2`, prefix, '2'])
    expect(await app.ask('GET', '/items/7')).toMatchObject({ text: '7' })
    expect(await app.ask('GET', '/')).toMatchObject({ text: 'front' })
  })

  test('makes redirects that lead back to it', async () => {
    await using app = await shop(hono)
    expect((await app.ask('GET', '/home')).header('location')).toBe(`https://example.org${prefix}/items`)
    expect((await app.ask('GET', '/nowhere/')).header('location')).toBe(`https://example.org${prefix}/nowhere`)
  })
})

describe('other applications made for node:http', () => {
  const kinds: [string, string][] = [
    ['a server', "createServer((req, res) => res.end('ok ' + req.url))"],
    ['one like Koa', "({ callback: () => (req, res) => res.end('ok ' + req.url) })"],
    ['one like Fastify', "({ ready: async () => {}, routing: (req, res) => res.end('ok ' + req.url) })"],
  ]
  test.each(kinds)('%s', async (_kind, expression) => {
    const main = `import { createServer } from 'node:http'\nexport const main = ${expression}`
    await using app = await shop({ 'main.mjs': main })
    expect(await app.ask('GET', '/a?b=1')).toMatchObject({ status: 200, text: 'ok /a?b=1' })
  })
})

describe('a function of fetch', () => {
  test('routes by the path below its place; the context has the whole URL and the place', async () => {
    const main = 'export const main = (request, { url, prefix }) => Response.json([request.url, url, prefix])'
    await using app = await shop({ 'main.mjs': main })
    const whole = `https://example.org${prefix}/a%20b?c=1`
    expect(JSON.parse((await app.ask('GET', '/a%20b?c=1')).text)).toEqual([
      'https://example.org/a%20b?c=1',
      whole,
      prefix,
    ])
  })
})
