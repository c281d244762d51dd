import { type ChildProcess, spawn } from 'node:child_process'
import type { IncomingHttpHeaders } from 'node:http'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { type RequestFields as ClientAsked, Connection } from '../../src/client/connection.ts'
import { DataFolder } from './data-folder.ts'
import { waitUntil } from './wait-until.ts'

/** The whole server as a child process: real SQLite, a free port, a data folder of its own. */

export const projectFolder = resolve(import.meta.dirname, '../..')
export const sourceProgram = join(projectFolder, 'src/main.ts')
/** As `built-server.ts` made it for this run of the tests; the sources in rings that do not ask for it. */
export const serverProgram = process.env.TAIBAI_TEST_SERVER ?? sourceProgram

export type EngineName = 'docker' | 'process'

export interface StartOptions {
  /** Default `process`. */
  engine?: EngineName | 'swarm'
  /** Reused by a later start; absent: a new one, removed with the server. */
  data?: DataFolder
  /** Further settings by their names in the environment. */
  settings?: Record<string, string>
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface ProcessRequest {
  json?: unknown
  body?: string | Uint8Array<ArrayBuffer> | FormData
  headers?: Record<string, string>
  /** Default: the admin's; null sends none. */
  token?: string | null
  signal?: AbortSignal
}

export interface ProcessResponse {
  status: number
  headers: Headers
  text: string
  bytes: Buffer
  /** The parsed body; undefined when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  json: any
}

const startLimitMs = 60_000
const exitLimitMs = 90_000

/** Settings of every test server. No workers ahead: each server would start some that no test uses. */
const testSettings = { TAIBAI_PORT: '0', TAIBAI_GENERIC_WORKERS: '0', TAIBAI_LOG_EXECUTIONS: 'all' }
/** For tests that workers concern which have no function yet. */
export const oneGenericWorker = { TAIBAI_GENERIC_WORKERS: '1' }

/** Kept for the next start, which saves a third of its time. */
const compileCache = join(projectFolder, 'node_modules/.cache/taibai-tests')

/** What the child sees: nothing of the settings that the tests themselves run under. */
export function serverEnvironment(settings: Record<string, string>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TAIBAI_') && name !== 'VITEST')
  return { ...Object.fromEntries(inherited), NODE_COMPILE_CACHE: compileCache, ...settings }
}

/** A process whose output is kept. */
export class ChildProgram {
  readonly pid: number
  readonly exited: Promise<Exit>
  /** Set when it has ended. */
  exit: Exit | null = null
  #child: ChildProcess
  #stdout = ''
  #stderr = ''

  /** `detached`: in a process group of its own. */
  constructor(program: string, args: string[], env: NodeJS.ProcessEnv, options: { detached?: boolean } = {}) {
    this.#child = spawn(program, args, { cwd: projectFolder, env, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    this.pid = this.#child.pid as number
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.exit = { code, signal }
        resolve(this.exit)
      })
    })
  }

  /** Nobody listens to it any more. */
  closeOutput(): void {
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Its end; a process that does not end in time is killed, which its exit shows. */
  async ended(limitMs = exitLimitMs): Promise<Exit> {
    const timer = setTimeout(() => this.signal('SIGKILL'), limitMs)
    const exit = await this.exited
    clearTimeout(timer)
    return exit
  }
}

/** The server's program with these settings, whether or not it becomes ready. */
export function launchServer(options: StartOptions & { data: DataFolder }): ChildProgram {
  const { engine = 'process', data, settings } = options
  const all = { ...testSettings, TAIBAI_ENGINE: engine, TAIBAI_DATA_DIR: data.path, ...settings }
  return new ChildProgram(process.execPath, [serverProgram], serverEnvironment(all))
}

export class ServerProcess implements AsyncDisposable {
  readonly program: ChildProgram
  readonly data: DataFolder
  readonly url: string
  readonly #ownsData: boolean
  readonly #connection: Connection
  /** Set when a test ended it; any other end is a failure. */
  #endAsked = false

  private constructor(program: ChildProgram, data: DataFolder, url: string, ownsData: boolean) {
    this.program = program
    this.data = data
    this.url = url
    this.#ownsData = ownsData
    this.#connection = new Connection({ url, token: () => data.adminToken })
  }

  /** Fulfilled when the server takes work. */
  static async start(options: StartOptions = {}): Promise<ServerProcess> {
    const data = options.data ?? new DataFolder()
    const program = launchServer({ ...options, data })
    try {
      return await ServerProcess.follow(program, data, options.data === undefined)
    } catch (error) {
      program.signal('SIGKILL')
      if (options.data === undefined) await data[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The server that this program is, or starts. */
  static async follow(program: ChildProgram, data: DataFolder, ownsData = false): Promise<ServerProcess> {
    const url = await waitUntil('the server is ready', () => readyUrl(program), startLimitMs)
    return new ServerProcess(program, data, url, ownsData)
  }

  get token(): string {
    return this.data.adminToken
  }

  /** A test has asked it to end: what breaks off before is the server's fault. */
  get isEndAsked(): boolean {
    return this.#endAsked
  }

  /** Everything that it printed. */
  get output(): string {
    return this.program.stdout + this.program.stderr
  }

  /** The lines of its log. */
  // biome-ignore lint/suspicious/noExplicitAny: each line has keys of its own
  get log(): any[] {
    return logLines(this.program.stdout)
  }

  async ask(method: string, path: string, asked: ProcessRequest = {}): Promise<ProcessResponse> {
    const { status, headers, bytes, text } = await this.#connection.request(method, path, await sentBy(asked))
    return { status, headers: headersOf(headers), bytes, text, json: parsed(text) }
  }

  /** The answer as it begins; its body is the caller's to read. */
  async open(method: string, path: string, asked: ProcessRequest = {}): Promise<Response> {
    const incoming = await this.#connection.open(method, path, await sentBy(asked))
    const { statusCode: status = 0, headers } = incoming
    return new Response(Readable.toWeb(incoming) as ReadableStream, { status, headers: headersOf(headers) })
  }

  /** As `ask`, for answers that can only be good. */
  async must(method: string, path: string, asked: ProcessRequest = {}): Promise<ProcessResponse> {
    const answered = await this.ask(method, path, asked)
    if (answered.status >= 300) throw new Error(`${method} ${path}: ${answered.status} ${answered.text}`)
    return answered
  }

  /** A function made of one file; its id. */
  async deploy(name: string, content: string, more: Record<string, unknown> = {}): Promise<string> {
    const runtime = (more.runtime as string | undefined) ?? 'nodejs'
    const filename = runtime.includes('python') ? 'main.py' : 'main.mjs'
    const code = { source: 'inline', filename, content }
    const made = await this.must('POST', '/v1/functions', { json: { name, runtime, code, timeout: 60, ...more } })
    return made.json.id as string
  }

  signal(signal: NodeJS.Signals): void {
    this.#endAsked = true
    this.program.signal(signal)
  }

  /** The end of the power supply. */
  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.program.exited
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    if (this.program.exit !== null && !this.#endAsked)
      throw new Error(`The server had ended by itself:\n${this.#tail()}`)
    this.signal(signal)
    return this.program.ended()
  }

  /** Throws when the server had ended by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    const diedItself = this.program.exit !== null && !this.#endAsked
    if (this.program.exit === null) await this.kill()
    if (this.#ownsData) await this.data[Symbol.asyncDispose]()
    if (diedItself) throw new Error(`The server ended by itself: ${JSON.stringify(this.program.exit)}\n${this.#tail()}`)
  }

  #tail(): string {
    return this.output.slice(-4000)
  }
}

/** Forms as the bytes that they are sent as. */
async function sentBy({ body, ...asked }: ProcessRequest): Promise<ClientAsked> {
  if (!(body instanceof FormData)) return body === undefined ? asked : { ...asked, body }
  const form = new Response(body)
  const headers = { ...asked.headers, 'content-type': form.headers.get('content-type') as string }
  return { ...asked, headers, body: new Uint8Array(await form.arrayBuffer()) }
}

function headersOf(incoming: IncomingHttpHeaders): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming)) {
    for (const one of [value].flat()) if (one !== undefined) headers.append(name, one)
  }
  return headers
}

/** What is whole of a log that is being written. */
// biome-ignore lint/suspicious/noExplicitAny: each line has keys of its own
function logLines(text: string): any[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => parsed(line) ?? { msg: line })
}

function readyUrl({ stdout, stderr, exit }: ChildProgram): string | undefined {
  if (exit !== null) throw new Error(`The server ended while it started:\n${stdout}${stderr}`)
  return logLines(stdout).find(({ msg }) => msg === 'taibai is ready')?.url
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
