import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ApiResponse as ClientAnswer } from '../../src/client/connection.ts'
import { newDataDir as newFolder, type OwnServer, startOwnServer, stopAll } from '../setup/own-server.ts'
import { type Cpu, processCpu, serverCpu, workerPids } from './processes.ts'

export interface Answer extends ClientAnswer {
  json: Record<string, unknown>
}

/** A server for the benchmark: own data, free port, real containers, authentication on. */
export interface Taibai {
  url: string
  pid: number
  token: string
  dataDir: string
  /** Over kept-alive connections, so that a single call can be timed. */
  call(method: string, path: string, body?: unknown): Promise<Answer>
  /** Deploys a function with one file and returns its id. */
  deploy(name: string, content: string, more?: Record<string, unknown>): Promise<string>
  deployZip(name: string, zip: Uint8Array, runtime?: string): Promise<string>
  /** Number of ready generic workers of the runtime. */
  ready(runtime: string): Promise<number>
  cpu(): Cpu
  /** Also deletes the data folder, unless it is kept. */
  stop(keep?: 'keep'): Promise<void>
}

export const handlerFile = join(import.meta.dirname, 'handler.mjs')

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stopAll().then(() => process.exit(1)))
}

export const newDataDir = (): string => newFolder('taibai-bench-')

/** Settings by name without prefix, such as `GENERIC_WORKERS`. */
export async function startTaibai(settings: Record<string, string | number> = {}, dataDir?: string): Promise<Taibai> {
  const given = Object.entries({ LOG_LEVEL: 'info', ...settings })
  const environment = Object.fromEntries(given.map(([name, value]) => [`TAIBAI_${name}`, String(value)]))
  const nodeArgs = process.env.BENCH_NODE_ARGS?.split(' ') ?? []
  const own = await startOwnServer(dataDir ?? newDataDir(), environment, nodeArgs)
  return taibaiOf(own, () => {
    const workers = workerPids(own.dataDir).reduce((sum, worker) => sum + processCpu(worker), 0)
    return { ...serverCpu(own.pid), workers }
  })
}

/** A running server. `cpu`: CPU time of its processes. */
export function taibaiOf({ client, pid, token, dataDir: folder, stop }: OwnServer, cpu: () => Cpu): Taibai {
  const ids = new Map<string, string>()
  return {
    url: client.url,
    pid,
    token,
    dataDir: folder,
    call: async (method, path, body) => {
      const answer = await client.connection.request(method, path, body === undefined ? {} : { json: body })
      return { ...answer, json: answer.json ?? {} }
    },
    deploy: async (name, content, more = {}) => {
      const filename = more.runtime === 'python3' ? 'main.py' : 'main.mjs'
      const code = { source: 'inline', filename, content }
      return (await client.functions.create({ name, runtime: 'nodejs', code, timeout: 60, ...more })).id
    },
    deployZip: async (name, zip, runtime = 'nodejs') =>
      (await client.functions.createFromZip({ name, runtime, timeout: 60 }, zip)).id,
    ready: async (runtime) => {
      if (!ids.has(runtime)) for (const { id, name } of await client.runtimes.list()) ids.set(String(name), id)
      return (await client.runtimes.capacity(String(ids.get(runtime)))).available
    },
    cpu,
    stop,
  }
}

/** Calls a function; throws when it fails, or has another start kind than expected. */
export async function invoke(taibai: Taibai, name: string, startKind?: string): Promise<Answer> {
  const answer = await taibai.call('POST', `/fn/${name}`, {})
  const timing = String(answer.headers['server-timing'])
  if (answer.status !== 200 || (startKind !== undefined && !timing.includes(`desc="${startKind}`)))
    throw new Error(`the call of ${name} was not ${startKind ?? 'well'}: ${answer.status} ${timing} ${answer.text}`)
  return answer
}

/** The local engine that servers use by default. */
export const engineSocket = (process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock').replace('unix://', '')

export async function waitUntil(what: string, isSo: () => boolean | Promise<boolean>, seconds = 120): Promise<void> {
  const end = performance.now() + seconds * 1000
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${seconds} s`)
    await pause(50)
  }
}

/** A metric from /metrics, summed over all labels. */
export async function metric(taibai: Taibai, name: string): Promise<number> {
  const { text } = await taibai.call('GET', '/metrics')
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
