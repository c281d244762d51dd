import { createHash } from 'node:crypto'
import { timeOrderedId } from '../../src/domain/ids.ts'
import { silent } from '../../src/domain/log.ts'
import { type Authenticate, openPrincipal } from '../../src/domain/principal.ts'
import type { Runtime } from '../../src/domain/runtime.ts'
import { type HttpParts, type HttpSettings, makeHttpApp } from '../../src/http/server.ts'
import type { OpenStack } from '../../src/openstack/openstack.ts'
import { cronPatterns } from '../../src/scheduler/cron-patterns.ts'
import { Scheduler } from '../../src/scheduler/scheduler.ts'
import { Aliases } from '../../src/services/functions/aliases.ts'
import { FunctionVersions } from '../../src/services/functions/function-versions.ts'
import { Functions } from '../../src/services/functions/functions.ts'
import { SwiftCode } from '../../src/services/functions/swift-code.ts'
import { Targets } from '../../src/services/functions/targets.ts'
import { Runtimes } from '../../src/services/platform/runtimes.ts'
import { Tokens } from '../../src/services/platform/tokens.ts'
import { Workers } from '../../src/services/platform/workers.ts'
import { Executions } from '../../src/services/runs/executions.ts'
import { Invocation } from '../../src/services/runs/invocation.ts'
import { Stats } from '../../src/services/runs/stats.ts'
import { Jobs } from '../../src/services/triggers/jobs.ts'
import { Sources } from '../../src/services/triggers/sources.ts'
import { Webhooks } from '../../src/services/triggers/webhooks.ts'
import { AliasRows } from '../../src/store/aliases.ts'
import { Database } from '../../src/store/database.ts'
import { FunctionRows } from '../../src/store/functions.ts'
import { JobRows } from '../../src/store/jobs.ts'
import { RuntimeRows } from '../../src/store/runtimes.ts'
import { SourceRows } from '../../src/store/sources.ts'
import { TokenRows } from '../../src/store/tokens.ts'
import { WebhookRows } from '../../src/store/webhooks.ts'
import { zipOf } from '../../src/store/zip-of.ts'
import { aToken } from './builders.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeLedger } from './fake-ledger.ts'
import { FakePackages } from './fake-packages.ts'
import { FakePool } from './fake-pool.ts'

/** Callers of the tests: two projects, and an admin of a third. Null sends no token. */
export const callers = {
  alice: { projectId: 'red', roles: ['member'] },
  bob: { projectId: 'blue', roles: ['member'] },
  admin: { projectId: 'ops', roles: ['admin'] },
} as const
export type Caller = keyof typeof callers | 'nobody' | 'stranger'

export interface TestAppOptions {
  /** `none`: everybody is the open principal. Default `token`. */
  auth?: 'token' | 'none'
  /** Its tokens are good beside those of the callers. */
  openstack?: OpenStack
  clock?: FakeClock
  settings?: Partial<HttpSettings>
}

export interface Asked {
  /** Sent in the place of that of a caller. */
  token?: string
  /** Default `alice`; `nobody` sends no token, `stranger` one that is not known. */
  as?: Caller
  json?: unknown
  /** Fields of a form; a Buffer is a file. Sent as multipart when there is a file, else urlencoded. */
  form?: Record<string, string | Buffer>
  body?: string | Buffer
  headers?: Record<string, string>
}

export interface Answered {
  status: number
  headers: Headers
  bytes: Buffer
  text: string
  /** The parsed body; undefined when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  json: any
}

/** The whole HTTP app over real SQLite in memory, without a port, containers or a clock that moves. */
export function makeTestApp(options: TestAppOptions = {}) {
  const database = new Database(':memory:')
  const stores = {
    functions: new FunctionRows(database),
    runtimes: new RuntimeRows(database),
    aliases: new AliasRows(database),
    jobs: new JobRows(database),
    webhooks: new WebhookRows(database),
    sources: new SourceRows(database),
    tokens: new TokenRows(database),
  }
  const clock = options.clock ?? new FakeClock()
  const pool = new FakePool()
  const ledger = new FakeLedger()
  const packages = new FakePackages()
  /** What `prepare` of a runtime's image does; a test may replace it. */
  const pools = { prepare: async (_runtime: Runtime): Promise<void> => {} }
  const common = { ...stores, pool, ledger, packages, pools, clock, newId: timeOrderedId, log: silent }
  const targets = new Targets(stores)
  const stats = new Stats(common)
  const { openstack } = options
  const trusts = openstack?.trusts
  const swiftLimits = { maxSwiftObjectBytes: 100_000, swiftCheckSeconds: 10 }
  const swift = openstack && new SwiftCode({ ...common, ...openstack, targets, limits: swiftLimits })
  const invocation = new Invocation({ ...common, trusts, swift, onEnd: stats.record, limits: runLimits })
  const runtimes = new Runtimes({ ...common, targets, pools: { prepare: (runtime) => pools.prepare(runtime) } })
  const functions = new Functions({ ...common, trusts, swift, targets, runtimes, zipOf, limits: functionLimits })
  for (const [name, { projectId, roles }] of Object.entries(callers)) {
    stores.tokens.insert(aToken({ name, projectId, roles: [...roles], hash: sha256(tokenOf(name)) }))
  }
  const tokens = new Tokens(common)
  const authenticate: Authenticate = (token) =>
    tokens.authenticate(token) ?? (token === null || openstack === undefined ? null : openstack.authenticate(token))
  const scheduler = new Scheduler(common)
  const patterns = cronPatterns()
  const jobs = new Jobs({ ...common, store: stores.jobs, timers: scheduler, patterns, targets, invocation })
  const health = { isReady: true }
  const parts: HttpParts = {
    runtimes,
    functions,
    versions: new FunctionVersions({ ...common, targets, maxVersions: 10 }),
    aliases: new Aliases({ ...common, targets }),
    workers: new Workers({ ...common, targets }),
    tokens,
    executions: new Executions({ ...common, targets, invocation, retention }),
    jobs,
    sources: new Sources({ ...common, ...openstack, store: stores.sources, targets, invocation }),
    webhooks: new Webhooks({ ...common, store: stores.webhooks, targets, invocation }),
    stats,
    gauges: () => ({ ...invocation.unfinishedCount(), jobs: scheduler.size, workers: pool.workers() }),
    targets,
    invocation,
    newId: timeOrderedId,
    authenticate: options.auth === 'none' ? () => openPrincipal : authenticate,
    isReady: () => health.isReady,
    log: silent,
    settings: { ...httpSettings, ...options.settings },
  }
  const app = makeHttpApp(parts)

  async function request(method: string, path: string, asked: Asked = {}): Promise<Answered> {
    const { body, headers } = await sent(asked)
    return answered(await app.request(path, { method, headers, body }))
  }

  const doubles = { clock, pool, pools, ledger, packages, health }
  return { app, parts, request, stores, database, ...doubles, targets, invocation, runtimes, jobs, scheduler }
}

export type TestApp = ReturnType<typeof makeTestApp>

const runLimits = {
  maxQueued: 100,
  maxQueuedBytes: 1024 * 1024,
  maxAsyncRunning: 10,
  maxAsyncRunningPerFunction: 5,
  maxAttempts: 3,
  retryPauseMs: 100,
  maxLogBytes: 64 * 1024,
}

const retention = { keepExecutionsDays: 30, keepExecutionsPerProject: 1000 }

const mib = 1024 * 1024

const functionLimits = {
  memoryMinBytes: 32 * mib,
  memoryDefaultBytes: 32 * mib,
  memoryMaxBytes: 1024 * mib,
  cpuMinMillicpu: 100,
  cpuDefaultMillicpu: 100,
  cpuMaxMillicpu: 2000,
  timeoutMinSeconds: 1,
  timeoutDefaultSeconds: 5,
  timeoutMaxSeconds: 300,
  maxConcurrency: 256,
  maxEnvBytes: 1024,
}

const httpSettings: HttpSettings = {
  maxBodyBytes: 256 * 1024,
  maxPackageBytes: 1024 * 1024,
  trustProxy: false,
  corsOrigins: [],
}

const tokenOf = (name: string): string => `token-of-${name}`
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

type Body = NonNullable<RequestInit['body']>

async function sent(asked: Asked): Promise<{ body?: Body; headers: Headers }> {
  const headers = new Headers(asked.headers)
  const as = asked.as ?? 'alice'
  if (as !== 'nobody') headers.set('X-Auth-Token', asked.token ?? tokenOf(as))
  if (asked.json !== undefined) {
    if (!headers.has('Content-Type')) headers.set('Content-Type', 'application/json')
    return { body: JSON.stringify(asked.json), headers }
  }
  if (asked.form !== undefined) return sentForm(asked.form, headers)
  return { body: asked.body instanceof Buffer ? new Uint8Array(asked.body) : asked.body, headers }
}

/** As bytes: a form that the server stops reading would fail on its own otherwise. */
async function sentForm(fields: Record<string, string | Buffer>, headers: Headers) {
  const form = new Response(formBody(fields))
  headers.set('Content-Type', form.headers.get('Content-Type') as string)
  return { body: await form.arrayBuffer(), headers }
}

function formBody(fields: Record<string, string | Buffer>): Body {
  const values = Object.entries(fields)
  if (values.every(([, value]) => typeof value === 'string')) {
    return new URLSearchParams(fields as Record<string, string>)
  }
  const form = new FormData()
  for (const [name, value] of values) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, new Blob([new Uint8Array(value)]), `${name}.zip`)
  }
  return form
}

async function answered(response: Response): Promise<Answered> {
  const bytes = Buffer.from(await response.arrayBuffer())
  const text = bytes.toString('utf8')
  return { status: response.status, headers: response.headers, bytes, text, json: parsed(text) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
