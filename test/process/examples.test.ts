import { createHmac } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readManifest } from '../../src/cli/manifest/manifest.ts'
import { templatesIn } from '../../src/cli/manifest/templates.ts'
import { cliOf } from '../support/cli-run.ts'
import { startPostgres } from '../support/postgres.ts'
import { projectFolder, ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Every example that `taibai init` offers, begun, deployed and called as its README says. */

const examples = templatesIn(join(projectFolder, 'runtimes')).filter(({ isExample }) => isExample)
let server: ServerProcess
let folder: string
let run: ReturnType<typeof cliOf>
const opened: Server[] = []

beforeAll(async () => {
  // What examples talk to listens on this machine.
  server = await ServerProcess.start({ settings: { TAIBAI_EGRESS_ALLOW: 'host' } })
  folder = mkdtempSync(join(tmpdir(), 'taibai-examples-'))
  run = cliOf({ localUrl: server.url, localDataDir: server.data.path, configDir: join(folder, 'config') })
})
afterAll(async () => {
  for (const each of opened) each.close()
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

async function must(...argv: string[]) {
  const result = await run(argv)
  expect(result.code, `${argv.join(' ')}: ${result.stderr}`).toBe(0)
  return result
}

/** Begins the example; `change` says what its taibai.yaml says here. */
async function begin(name: string, change: (manifest: string) => string = (text) => text): Promise<string> {
  const path = join(folder, name)
  await must('init', name, path)
  const file = join(path, 'taibai.yaml')
  writeFileSync(file, change(readFileSync(file, 'utf8')))
  return path
}

async function deployed(name: string, change?: (manifest: string) => string): Promise<void> {
  await must('deploy', await begin(name, change), '--check')
}

const fn = (name: string, method: string, path: string, json?: unknown) =>
  server.ask(method, `/fn/${name}${path}`, json === undefined ? {} : { json })

async function listening(connected: (socket: Socket) => void): Promise<number> {
  const listener = createServer(connected)
  opened.push(listener)
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  return (listener.address() as AddressInfo).port
}

test('There is an example for each of the usual uses, in the languages that they are natural in', () => {
  expect(examples.map(({ name, runtime }) => `${runtime} ${name}`)).toEqual([
    'nodejs chat-bot',
    'python3 clean-up',
    'nodejs image-resize',
    'nodejs mqtt-reader',
    'python3 order-mail',
    'nodejs postgres-api',
    'python3 queue-reader',
    'nodejs sqlite-api',
    'python3 sqlite-api-python',
    'nodejs static-site',
    'nodejs streaming',
    'python3 streaming-python',
  ])
})

test.each(examples)('$name says what it is, and has a README of a screen', async ({ name, description, files }) => {
  expect(description).toMatch(/^\w.{20,80}$/)
  const readme = String(files.get('README.md'))
  expect(readme).toMatch(new RegExp(`^# ${name}\n`))
  expect(readme.split('\n').length).toBeLessThan(40)
  expect(Math.max(...readme.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120)
  const path = await begin(name, (text) => text)
  expect(Object.keys(readManifest(join(path, 'taibai.yaml')).manifest.functions)).toContain(name)
  rmSync(path, { recursive: true })
})

describe('The list', () => {
  test('is shown without arguments, to people and to programs', async () => {
    expect((await must('init')).stdout).toMatch(
      /^TEMPLATE +RUNTIME +WHAT IT IS\nnodejs[\s\S]*chat-bot +nodejs +A chat bot/,
    )
    expect((await must('init', '--json')).json).toContainEqual(
      expect.objectContaining({ name: 'streaming', example: true }),
    )
  })

  test('begins an example under another name, in its files too', async () => {
    const path = join(folder, 'mails')
    await must('init', 'order-mail', path)
    const manifest = readFileSync(join(path, 'taibai.yaml'), 'utf8')
    expect(Object.keys(readManifest(join(path, 'taibai.yaml')).manifest.functions)).toEqual(['mails-send', 'mails'])
    expect(manifest).toContain('{function: mails-send}')
    expect(readFileSync(join(path, 'README.md'), 'utf8')).not.toContain('order-mail')
  })
})

test.each(['sqlite-api', 'sqlite-api-python'])('%s keeps notes', async (name) => {
  await deployed(name)
  expect((await fn(name, 'GET', '/elsewhere')).status).toBe(404)
  expect((await fn(name, 'POST', '/notes', { no: 'text' })).status).toBe(400)
  expect(await fn(name, 'POST', '/notes', { text: 'milk' })).toMatchObject({
    status: 201,
    json: { id: 1, text: 'milk' },
  })
  expect((await fn(name, 'GET', '/notes')).json).toMatchObject([{ id: 1, text: 'milk' }])
  expect((await fn(name, 'GET', '/notes/1')).json).toMatchObject({ text: 'milk' })
  expect((await fn(name, 'GET', '/notes/2')).status).toBe(404)
})

test('sqlite-api removes notes', async () => {
  expect((await fn('sqlite-api', 'DELETE', '/notes/1')).status).toBe(204)
  expect((await fn('sqlite-api', 'DELETE', '/notes/1')).status).toBe(404)
})

test('clean-up removes what is too old, and its job is there', async () => {
  const items = [
    { id: 'old', created_at: '2020-01-01T00:00:00+00:00' },
    { id: 'new', created_at: new Date().toISOString() },
  ]
  const removed: string[] = []
  const api = createHttpServer((request, response) => {
    if (request.method === 'DELETE') removed.push(String(request.url))
    response.end(JSON.stringify(items))
  })
  opened.push(api)
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  await deployed('clean-up', (text) => text.replace('8080', String((api.address() as AddressInfo).port)))
  expect((await must('jobs', 'list', '--json')).json).toMatchObject([{ name: 'nightly', timezone: 'Europe/Berlin' }])
  expect((await must('invoke', 'clean-up', '--json')).json).toMatchObject({ output: { looked_at: 2, removed: 1 } })
  expect(removed).toEqual(['/uploads/old'])
  await must('delete', 'clean-up', '--yes', '--cascade')
})

/** A stand-in: the real one is installed by a builder, as test/docker/builds-of-real-packages.test.ts does. */
const sharp = `export default (bytes) => {
  if (bytes[0] !== 137) throw new Error('unsupported format')
  const chain = { rotate: () => chain, resize: ({ width }) => ((chain.width = width), chain), webp: () => chain,
    toBuffer: async () => ({ data: Buffer.from('webp'), info: { width: chain.width, height: 1 } }) }
  return chain
}`

test('image-resize makes an image of an upload, and refuses what is none', async () => {
  const path = await begin('image-resize', (text) => text.replace('build: true', 'build: auto'))
  mkdirSync(join(path, 'node_modules/sharp'), { recursive: true })
  writeFileSync(join(path, 'node_modules/sharp/index.mjs'), sharp)
  writeFileSync(join(path, 'node_modules/sharp/package.json'), '{"name":"sharp","exports":"./index.mjs"}')
  await must('deploy', path, '--check')
  const upload = (body: Buffer) =>
    server.ask('POST', '/fn/image-resize?width=320', {
      body: new Uint8Array(body),
      headers: { 'content-type': 'image/png' },
    })
  const made = await upload(Buffer.from([137, 80, 78, 71]))
  expect([made.status, made.headers.get('content-type'), made.text]).toEqual([200, 'image/webp', 'webp'])
  expect(await upload(Buffer.from('text'))).toMatchObject({ status: 415, text: expect.stringContaining('unsupported') })
  expect((await fn('image-resize', 'GET', '/')).status).toBe(405)
})

describe('chat-bot', () => {
  let hook: string
  const ask = (body: string, secret = 'chat-secret') => {
    const at = String(Math.floor(Date.now() / 1000))
    const signature = `v0=${createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex')}`
    const type = body.startsWith('{') ? 'application/json' : 'application/x-www-form-urlencoded'
    const headers = { 'content-type': type, 'x-slack-request-timestamp': at, 'x-slack-signature': signature }
    return server.ask('POST', hook, { body, headers, token: null })
  }

  beforeAll(async () => {
    await run(['secret', 'set', 'CHAT_SIGNING_SECRET'], 'chat-secret')
    await deployed('chat-bot')
    hook = new URL((await must('webhooks', 'list', '--json')).json[0].webhook_url).pathname
  })

  test('refuses who did not sign', async () => {
    expect((await ask('{"text":"hello"}', 'wrong')).status).toBe(401)
  })

  test('shows that the address is its own, and answers commands', async () => {
    const verified = await ask('{"type":"url_verification","challenge":"abc"}')
    expect(verified.json ?? verified.text).toMatchObject({ challenge: 'abc' })
    expect((await ask('command=%2Fbot&text=hello&user_name=li')).json).toMatchObject({ text: 'Hello!' })
    expect((await ask('command=%2Fbot&text=roll+20&user_name=li')).json.text).toMatch(/^You rolled \d+ of 20\.$/)
    expect((await ask('command=%2Fbot&text=&user_name=li')).json.text).toContain('I know')
  })
})

/** Takes mails, as far as smtplib asks. */
function smtpSink(mails: string[]): (socket: Socket) => void {
  return (socket) => {
    let mail: string | null = null
    let rest = ''
    socket.setEncoding('utf8').write('220 sink\r\n')
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (mail !== null && line !== '.') mail += `${line}\n`
        else if (mail !== null) {
          mails.push(mail)
          mail = null
          socket.write('250 kept\r\n')
        } else if (/^DATA/i.test(line)) {
          mail = ''
          socket.write('354 go on\r\n')
        } else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n')
        else socket.write('250 fine\r\n')
      }
    })
  }
}

test('order-mail sends a mail after an order that was accepted', async () => {
  const mails: string[] = []
  const port = await listening(smtpSink(mails))
  await deployed('order-mail', (text) => text.replace('1025', String(port)))
  const order = { email: 'li@example.org', name: 'Li Bai', lines: [{ price: 3.5, count: 2 }] }
  await must('invoke', 'order-mail', '--async', '--wait', '--data', JSON.stringify(order))
  await waitUntil('the mail came', () => mails.length === 1)
  expect(mails[0]).toContain('To: li@example.org')
  expect(Buffer.from(mails[0]?.split('\n\n')[1] ?? '', 'base64').toString() + mails[0]).toContain('Dear Li Bai')
})

/** Lists of Redis, as far as a queue needs them. */
function redisLists(lists: Record<string, string[]>): (socket: Socket) => void {
  const bulk = (text: string | undefined) =>
    text === undefined ? '$-1\r\n' : `$${Buffer.byteLength(text)}\r\n${text}\r\n`
  const of = (name = '') => (lists[name] ??= [])
  return (socket) => {
    socket.setEncoding('utf8').on('data', (text: string) => {
      const [command, name, other = '', value = ''] = text.split('\r\n').filter((_line, at) => at > 1 && at % 2 === 0)
      if (command === 'RPOPLPUSH') {
        const moved = of(name).pop()
        if (moved !== undefined) of(other).unshift(moved)
        socket.write(bulk(moved))
      } else if (command === 'LPUSH') socket.write(`:${of(name).unshift(other)}\r\n`)
      else if (command === 'LREM') {
        lists[name ?? ''] = of(name).filter((one) => one !== value)
        socket.write(':1\r\n')
      } else socket.write('-ERR unknown\r\n')
    })
  }
}

test('queue-reader handles what waits, puts aside what fails, and leaves nothing', async () => {
  const lists: Record<string, string[]> = { orders: ['{"id": 3}', ' ', '{"id": 1}'] }
  const port = await listening(redisLists(lists))
  // Asked for here, not by its job.
  const changed = (text: string) => text.replace('6379', String(port)).replace('"*/5 * * * * *"', '"0 0 1 1 *"')
  await deployed('queue-reader', changed)
  expect((await must('invoke', 'queue-reader', '--json')).json).toMatchObject({ output: { handled: 2, failed: 1 } })
  expect(lists).toEqual({ orders: [], 'orders:working': [], 'orders:failed': [' '] })
  expect((await must('invoke', 'queue-reader', '--json')).json).toMatchObject({ output: { handled: 0, failed: 0 } })
})

/** The real client in one file, instead of what a builder installs: this engine builds nothing. */
async function beginWithClient(name: string, client: string, change: (manifest: string) => string): Promise<string> {
  const path = await begin(name, (text) => change(text.replace('build: true', 'build: auto')))
  await build({
    ...{ stdin: { contents: `module.exports = require('${client}')`, resolveDir: projectFolder }, bundle: true },
    ...{ platform: 'node', external: ['pg-native'], outfile: join(path, `node_modules/${client}/index.js`) },
  })
  return path
}

test('mqtt-reader handles what a broker has kept, puts aside what fails, and leaves nothing', async () => {
  const broker = await Aedes.createBroker()
  const port = await listening((socket) => broker.handle(socket))
  const failed: string[] = []
  const note = ({ topic }: { topic: string }, done: () => void) => {
    failed.push(topic)
    done()
  }
  broker.subscribe('failed/#', note, () => {})
  const publish = (topic: string, payload: string) =>
    new Promise<void>((resolve, reject) => {
      const message = { cmd: 'publish' as const, topic, payload, qos: 1 as const, retain: false, dup: false }
      broker.publish(message, (error) => (error ? reject(error) : resolve()))
    })
  // Asked for here, not by its job.
  const change = (text: string) => text.replace('1883', String(port)).replace('"*/10 * * * * *"', '"0 0 1 1 *"')
  await must('deploy', await beginWithClient('mqtt-reader', 'mqtt', change), '--check')
  const read = async () => (await must('invoke', 'mqtt-reader', '--json')).json.output
  expect(await read()).toEqual({ handled: 0, failed: 0 })
  for (const text of ['{"id": 1}', 'no JSON', '{"id": 2}']) await publish('orders/shop', text)
  expect(await read()).toEqual({ handled: 2, failed: 1 })
  expect(failed).toEqual(['failed/orders/shop'])
  expect(await read()).toEqual({ handled: 0, failed: 0 })
  broker.close()
})

test('postgres-api keeps notes', async () => {
  const { port, close } = await startPostgres()
  onTestFinished(close)
  await run(['secret', 'set', 'DATABASE_URL'], `postgres://postgres@127.0.0.1:${port}/postgres`)
  const name = 'postgres-api'
  await must('deploy', await beginWithClient(name, 'pg', (text) => text), '--check')
  expect((await fn(name, 'GET', '/elsewhere')).status).toBe(404)
  expect((await fn(name, 'POST', '/notes', { no: 'text' })).status).toBe(400)
  expect(await fn(name, 'POST', '/notes', { text: "mil'k" })).toMatchObject({ status: 201, json: { id: 1 } })
  expect((await fn(name, 'GET', '/notes')).json).toMatchObject([{ id: 1, text: "mil'k" }])
  expect((await fn(name, 'GET', '/notes/1')).json).toMatchObject({ text: "mil'k" })
  expect((await fn(name, 'GET', '/notes/x')).status).toBe(404)
  expect((await fn(name, 'DELETE', '/notes/1')).status).toBe(204)
  expect((await fn(name, 'DELETE', '/notes/1')).status).toBe(404)
}, 120_000)

test.each(['streaming', 'streaming-python'])('%s answers word by word', async (name) => {
  await deployed(name)
  const answer = await server.open('GET', `/fn/${name}?text=one+two+three`)
  expect(answer.headers.get('content-type')).toBe('text/event-stream')
  const pieces: string[] = []
  for await (const piece of answer.body as ReadableStream<Uint8Array>) pieces.push(Buffer.from(piece).toString())
  expect(pieces.length).toBeGreaterThan(1)
  expect([...pieces.join('').matchAll(/"word": ?"(\w+)"/g)].map(([, word]) => word)).toEqual(['one', 'two', 'three'])
  expect(pieces.join('')).toContain('event: end')
})

test('static-site shows its files to everybody, and nothing else', async () => {
  await deployed('static-site')
  const asked = (path: string, headers = {}) => server.ask('GET', `/fn/static-site${path}`, { headers, token: null })
  const page = await asked('/')
  expect(page).toMatchObject({ status: 200, text: expect.stringContaining('A static site') })
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect((await asked('/style.css')).headers.get('content-type')).toBe('text/css; charset=utf-8')
  expect((await asked('/', { 'if-none-match': page.headers.get('etag') ?? '' })).status).toBe(304)
  for (const path of ['/main.mjs', '/..%2Fmain.mjs', '/%']) expect((await asked(path)).status).toBe(404)
})
