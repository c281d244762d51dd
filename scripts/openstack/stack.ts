import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { projectFolder } from '../../src/assets.ts'
import { type StackResponse, sendRequest } from './stack-request.ts'

/**
 * Real OpenStack services on loopback, started by scripts beside the checkout (or in the folder TAIBAI_TEST_STACK_SCRIPTS).
 * TAIBAI_TEST_STACK_DIR: an existing stack is used and left running. TAIBAI_TEST_STACK_NOTE: a stack started by another process,
 * which writes the result to this file.
 */

const scripts = process.env.TAIBAI_TEST_STACK_SCRIPTS ?? resolve(projectFolder, '../shared/openstack')
const running = process.env.TAIBAI_TEST_STACK_DIR
const noteFile = process.env.TAIBAI_TEST_STACK_NOTE
const noteLimitMs = 600_000

export type StackService = 'keystone' | 'swift' | 'zaqar' | 'aodh' | 'events'

/** Password of every account in the stack. */
export const stackPassword = 'ministack'

export class OpenStackStack implements AsyncDisposable {
  readonly folder: string
  readonly services: StackService[]
  /** Variables printed by the scripts: AUTH_URL, SWIFT_URL, DEMO_PROJECT_ID … */
  readonly env: Record<string, string>
  readonly #isOurs: boolean

  private constructor(folder: string, services: StackService[], isOurs: boolean) {
    this.folder = folder
    this.services = services
    this.env = readEnv(folder)
    this.#isOurs = isOurs
  }

  /** Null, with the reason printed, where the services are not available; in CI, existing scripts must work. */
  static async startOrSkip(services: StackService[]): Promise<OpenStackStack | null> {
    if (noteFile !== undefined) return OpenStackStack.#startedElsewhere(noteFile, services)
    const problem = missing()
    if (problem === null) return OpenStackStack.start(services).catch((error: Error) => skipped(error.message))
    console.warn(`Real OpenStack services are not tested with: ${problem}.`)
    return null
  }

  static async start(services: StackService[]): Promise<OpenStackStack> {
    const folder = running ?? mkdtempSync(join(tmpdir(), 'taibai-stack-'))
    await script('up', folder, services)
    return new OpenStackStack(folder, services, running === undefined)
  }

  /** Starts in the background, and writes the result to the file: for `startOrSkip` of other processes. */
  static async startAndNote(services: StackService[], file: string): Promise<OpenStackStack | null> {
    const note = (text: string): void => {
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
    }
    try {
      const stack = await OpenStackStack.startOrSkip(services)
      note(JSON.stringify({ folder: stack?.folder ?? null }))
      return stack
    } catch (error) {
      note(JSON.stringify({ problem: (error as Error).message }))
      return null
    }
  }

  static async #startedElsewhere(file: string, services: StackService[]): Promise<OpenStackStack | null> {
    const { folder, problem } = await noted(file)
    if (problem !== undefined) throw new Error(problem)
    return folder === null ? null : new OpenStackStack(folder, services, false)
  }

  /** Settings of a server that uses these services. */
  get settings(): Record<string, string> {
    return {
      TAIBAI_AUTH: 'keystone',
      TAIBAI_KEYSTONE_AUTH_URL: this.env.AUTH_URL as string,
      TAIBAI_KEYSTONE_USER: 'qinling',
      TAIBAI_KEYSTONE_PASSWORD: stackPassword,
    }
  }

  /** A new token of an account, for its project; null: unscoped. */
  async token(user: string, project: string | null = user, password = stackPassword): Promise<string> {
    const domain = { id: 'default' }
    const identity = { methods: ['password'], password: { user: { name: user, domain, password } } }
    const scope = project === null ? {} : { scope: { project: { name: project, domain } } }
    const answer = await this.keystone('POST', '/auth/tokens', null, { auth: { identity, ...scope } })
    const token = answer.headers.get('x-subject-token')
    if (token === null) throw new Error(`no token for ${user}: ${answer.status} ${answer.text}`)
    return token
  }

  keystone(
    method: string,
    path: string,
    token: string | null,
    json?: unknown,
    headers: Record<string, string> = {},
  ): Promise<StackResponse> {
    return sendRequest(
      `${this.env.AUTH_URL}${path}`,
      method,
      token,
      json === undefined ? undefined : JSON.stringify(json),
      {
        ...headers,
        'Content-Type': 'application/json',
      },
    )
  }

  /** In the account of a project, such as `/container/object`. */
  swift(method: string, projectId: string, path: string, token: string, body?: string | Uint8Array<ArrayBuffer>) {
    return sendRequest(`${this.env.SWIFT_URL}/v1/AUTH_${projectId}${path}`, method, token, body)
  }

  /** Adds a function service to the catalogue, in a region of its own. */
  async register(url: string): Promise<{ name: string } & AsyncDisposable> {
    const admin = await this.token('admin')
    const services = await this.keystone('GET', '/services?type=function-engine', admin)
    const name = `region-${process.pid}-${Date.now()}`
    await this.keystone('POST', '/regions', admin, { region: { id: name } })
    const endpoint = { interface: 'public', service_id: services.json.services[0].id, region_id: name, url }
    const made = await this.keystone('POST', '/endpoints', admin, { endpoint })
    return {
      name,
      [Symbol.asyncDispose]: async () => {
        await this.keystone('DELETE', `/endpoints/${made.json.endpoint.id}`, admin)
        await this.keystone('DELETE', `/regions/${name}`, admin)
      },
    }
  }

  /** Sends an event of the project demo to Aodh's message bus. */
  async emitEvent(type: string, traits: Record<string, string>): Promise<void> {
    const pairs = Object.entries(traits).map(([name, value]) => `${name}=${value}`)
    const { RABBIT_URL = '', DEMO_PROJECT_ID = '' } = this.env
    const args = [join(scripts, 'tools/emit_event.py'), RABBIT_URL, DEMO_PROJECT_ID, type, ...pairs]
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }
    const { status, stderr } = spawnSync('/usr/bin/python3', ['-Es', ...args], { env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`The event was not sent: ${stderr.slice(-2000)}`)
  }

  /** Signals a daemon and its workers; `SIGSTOP` makes it hang, `SIGCONT` continues it. */
  signal(daemon: string, signal: NodeJS.Signals): void {
    const [pid] = readFileSync(join(this.folder, 'run', `${daemon}.pid`), 'utf8').split(' ')
    process.kill(-Number(pid), signal)
  }

  /** Restarts killed daemons. */
  async restore(): Promise<void> {
    await script('up', this.folder, ['--no-install', ...this.services])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOurs) await script('down', this.folder, [])
  }
}

/** The result of the start: the stack's folder; null: not available, and the reason was printed. */
async function noted(file: string): Promise<{ folder: string | null; problem?: string }> {
  for (let waited = 0; !existsSync(file); waited += 100) {
    if (waited > noteLimitMs)
      throw new Error(`The OpenStack services did not start within ${noteLimitMs / 60_000} minutes.`)
    await pause(100)
  }
  return JSON.parse(readFileSync(file, 'utf8'))
}

function missing(): string | null {
  if (!existsSync(join(scripts, 'up'))) return `there are no scripts in ${scripts}`
  return process.getuid?.() === 0 || running !== undefined ? null : 'only root can start them'
}

function skipped(reason: string): null {
  if (process.env.CI === 'true') throw new Error(`The OpenStack services did not start: ${reason}`)
  console.warn(`Real OpenStack services are not tested with: ${reason}.`)
  return null
}

/** Ports for each test process, below the ephemeral range; `fetch` refuses some, none with a 3. */
const portOffset = 1003 + (process.pid % 500) * 10

async function script(name: string, folder: string, args: string[]): Promise<void> {
  const inherited = Object.entries(process.env).filter(([key]) => !/^(STACK_|TAIBAI_|OS_)/.test(key))
  const env = { ...Object.fromEntries(inherited), STACK_DIR: folder, ...portsOf(folder) }
  const child = spawn(join(scripts, name), args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const code = await new Promise((ended) => child.once('exit', ended))
  if (code !== 0) throw new Error(`"${name} ${args.join(' ')}" ended with ${code}: ${output.slice(-2000)}`)
}

/** An existing stack knows its own ports. */
const portsOf = (folder: string): Record<string, string> =>
  existsSync(join(folder, 'settings.saved')) ? {} : { STACK_PORT_OFFSET: String(portOffset) }

function readEnv(folder: string): Record<string, string> {
  const lines = readFileSync(join(folder, 'env'), 'utf8').matchAll(/^export (\w+)=(.*)$/gm)
  return Object.fromEntries([...lines].map(([, name, value]) => [name, value]))
}

/** The texts that occur in any file below a folder. */
export function foundIn(folder: string, texts: string[]): string[] {
  const grep: SpawnSyncReturns<string>[] = texts.map((text) =>
    spawnSync('grep', ['-rlaF', '-e', text, folder], { encoding: 'utf8' }),
  )
  return grep.flatMap(({ stdout }) => stdout.split('\n').filter((line) => line !== ''))
}
