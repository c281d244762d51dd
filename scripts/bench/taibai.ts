import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { SERVER_ENVIRONMENT } from '../setup/project.ts'
import { type Cpu, processCpu, serverCpu, workerPids } from './processes.ts'

const root = resolve(import.meta.dirname, '../..')

export interface Answer {
  status: number
  text: string
  json: Record<string, unknown>
  headers: IncomingHttpHeaders
  /** From the request to the whole answer. */
  tookMs: number
}

/** A server of its own for the benchmark: own data, free port, real containers, authentication on. */
export interface Taibai {
  url: string
  pid: number
  token: string
  dataDir: string
  /** Over kept connections, so that a single call can be timed. */
  call(method: string, path: string, body?: unknown): Promise<Answer>
  /** A function made of one file; gives its id. */
  deploy(name: string, content: string, more?: Record<string, unknown>): Promise<string>
  deployZip(name: string, zip: Uint8Array, runtime?: string): Promise<string>
  /** Generic workers of the runtime that are ready. */
  ready(runtime: string): Promise<number>
  cpu(): Cpu
  /** Its data folder goes too, unless it is kept. */
  stop(keep?: 'keep'): Promise<void>
}

export const handlerFile = join(import.meta.dirname, 'handler.mjs')

/** Data folders that go at the end, and the servers that use them now. */
const folders = new Set<string>()
const running = new Set<ChildProcess>()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stopAll().then(() => process.exit(1)))
}

/** Whatever a suite that failed has left. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(ended))
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}

export function newDataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-bench-'))
  folders.add(folder)
  return folder
}

/** Settings by their names without the prefix, such as `GENERIC_WORKERS`. */
export async function startTaibai(settings: Record<string, string | number> = {}, dataDir?: string): Promise<Taibai> {
  const folder = dataDir ?? newDataDir()
  // Below the ports that the system gives to connections.
  const port = 20000 + Math.floor(Math.random() * 12000)
  const given = { LOG_LEVEL: 'info', ...settings, DATA_DIR: folder, PORT: port }
  const env: NodeJS.ProcessEnv = { ...SERVER_ENVIRONMENT, ...process.env }
  for (const [name, value] of Object.entries(given)) env[`TAIBAI_${name}`] = String(value)
  const args = [...(process.env.BENCH_NODE_ARGS?.split(' ') ?? []), join(root, 'src/main.ts')]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  running.add(child)
  const url = `http://127.0.0.1:${port}`
  await ready(url, child)
  const stop = async (keep?: 'keep') => {
    agent.destroy()
    await ended(child)
    running.delete(child)
    if (keep === undefined) rmSync(folder, { recursive: true, force: true })
  }
  const agent = new Agent({ keepAlive: true })
  return client({ url, pid: child.pid as number, dataDir: folder, agent, stop })
}

function client(server: Pick<Taibai, 'url' | 'pid' | 'dataDir' | 'stop'> & { agent: Agent }): Taibai {
  const { url, pid, dataDir, agent, stop } = server
  const token = readFileSync(join(dataDir, 'admin.token'), 'utf8').trim()
  const send = (method: string, path: string, type: string, body?: string | Uint8Array) =>
    ask(agent, url + path, method, { 'X-Auth-Token': token, ...(body !== undefined && { 'Content-Type': type }) }, body)
  const call: Taibai['call'] = (method, path, body) =>
    send(method, path, 'application/json', body === undefined ? undefined : JSON.stringify(body))
  const deploy: Taibai['deploy'] = async (name, content, more = {}) => {
    const filename = more.runtime === 'python3' ? 'main.py' : 'main.mjs'
    const code = { source: 'inline', filename, content }
    return made(await call('POST', '/v1/functions', { name, runtime: 'nodejs', code, timeout: 60, ...more }), name)
  }
  const deployZip: Taibai['deployZip'] = async (name, zip, runtime = 'nodejs') =>
    made(await send('POST', `/v1/functions?name=${name}&runtime=${runtime}&timeout=60`, 'application/zip', zip), name)
  const ids = new Map<string, string>()
  const readyOf: Taibai['ready'] = async (runtime) => {
    if (!ids.has(runtime)) {
      const { runtimes } = (await call('GET', '/v1/runtimes')).json as { runtimes: { id: string; name: string }[] }
      for (const { id, name } of runtimes) ids.set(name, id)
    }
    const { capacity } = (await call('GET', `/v1/runtimes/${ids.get(runtime)}/pool`)).json as {
      capacity: { available: number }
    }
    return capacity.available
  }
  const cpu = () => {
    const workers = workerPids(dataDir).reduce((sum, worker) => sum + processCpu(worker), 0)
    return { ...serverCpu(pid), workers }
  }
  return { url, pid, token, dataDir, call, deploy, deployZip, ready: readyOf, cpu, stop }
}

function made(answer: Answer, name: string): string {
  if (answer.status !== 201) throw new Error(`deploying ${name}: ${answer.text}`)
  return String(answer.json.id)
}

export function ask(
  agent: Agent,
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: string | Uint8Array,
): Promise<Answer> {
  const from = performance.now()
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
    const sent = request(url, { agent, method, headers: { ...headers, ...length } }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      incoming.once('error', reject)
      incoming.once('end', () => {
        const tookMs = performance.now() - from
        const isJson = incoming.headers['content-type']?.includes('json') && text !== ''
        const json = isJson ? JSON.parse(text) : {}
        resolve({ status: incoming.statusCode as number, headers: incoming.headers, text, json, tookMs })
      })
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** Calls a function; throws when it fails, or did not start as expected. */
export async function invoke(taibai: Taibai, name: string, startKind?: string): Promise<Answer> {
  const answer = await taibai.call('POST', `/fn/${name}`, {})
  const timing = String(answer.headers['server-timing'])
  if (answer.status !== 200 || (startKind !== undefined && !timing.includes(`desc="${startKind}`)))
    throw new Error(`the call of ${name} was not ${startKind ?? 'well'}: ${answer.status} ${timing} ${answer.text}`)
  return answer
}

export async function until(what: string, isSo: () => boolean | Promise<boolean>, seconds = 120): Promise<void> {
  const end = performance.now() + seconds * 1000
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${seconds} s`)
    await pause(50)
  }
}

/** Of /metrics, the sum over all labels. */
export async function metric(taibai: Taibai, name: string): Promise<number> {
  const { text } = await taibai.call('GET', '/metrics')
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  await until('the server is ready', async () => {
    if (child.exitCode !== null) throw new Error('the server ended while it started')
    const answer = await fetch(`${url}/readyz`).catch(() => null)
    return answer?.ok === true
  })
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
