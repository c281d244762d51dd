import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readDocs } from '../../src/assets.ts'
import { readConfig, settingsInEffect } from '../../src/config.ts'
import type { Runtime } from '../../src/domain/functions/runtime.ts'
import { timeOrderedId } from '../../src/domain/ids.ts'
import type { DataFacts } from '../../src/domain/platform/data-facts.ts'
import type { EngineReport } from '../../src/domain/platform/engine-report.ts'
import type { Machine } from '../../src/domain/platform/machine.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import type { CloudEvent, SendResult } from '../../src/domain/triggers/cloud-event.ts'
import { makeServer } from '../../src/http/connection/listen.ts'
import { makeListener } from '../../src/http/connection/request-listener.ts'
import { makeHttpApp } from '../../src/http/server.ts'
import type { HttpSettings } from '../../src/http/settings.ts'
import type { OpenStack } from '../../src/openstack/openstack.ts'
import { FunctionTokens } from '../../src/services/platform/function-tokens.ts'
import type { HealthFacts } from '../../src/services/platform/health.ts'
import { ProjectShares } from '../../src/services/platform/project-shares.ts'
import { SecretVault } from '../../src/services/platform/secret-vault.ts'
import { newSecret } from '../../src/services/platform/token-secret.ts'
import { UsageMeter } from '../../src/services/runs/usage-meter.ts'
import { BackupFolder } from '../../src/store/backups.ts'
import { authenticationBy, httpParts, openTo } from '../../src/wiring/http.ts'
import type { Infrastructure, ServiceSettings } from '../../src/wiring/infrastructure.ts'
import { makeServices } from '../../src/wiring/services.ts'
import { aToken } from './builders.ts'
import { FakeBuilds } from './fake-builds.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeImages, fakeLogins } from './fake-images.ts'
import { FakeLedger } from './fake-ledger.ts'
import { FakePackages } from './fake-packages.ts'
import { FakePool } from './fake-pool.ts'
import { FakeUsage } from './fake-usage.ts'
import { requestOverPipe } from './pipe-server.ts'
import { testDatabase } from './test-databases.ts'

/** The requests that the test server received. */
const environment = { TAIBAI_ADMIN_TOKEN: 'a-token-of-admins' }

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
  /** Images that members may run; default: any. */
  imageAllow?: string[]
  /** The default timeout of functions; absent: 5. */
  timeoutDefaultSeconds?: number
  /** Machines of the workers; absent: this one. */
  machines?: Machine[] | undefined
}

export interface TestRequest {
  /** Sent instead of the caller's. */
  token?: string
  /** Default `alice`; `nobody` sends no token, `stranger` one that is not known. */
  as?: Caller
  json?: unknown
  /** Fields of a form; a Buffer is a file. Sent as multipart when there is a file, else urlencoded. */
  form?: Record<string, string | Buffer>
  body?: string | Buffer
  headers?: Record<string, string>
}

export interface TestResponse {
  status: number
  headers: Headers
  bytes: Buffer
  text: string
  /** The parsed body; undefined when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  json: any
}

/** The whole HTTP side over real SQLite in memory, through the real listener, without a port, containers or a clock that moves: wired as the server is. */
export function makeTestApp(options: TestAppOptions = {}) {
  const { database, stores } = testDatabase()
  const clock = options.clock ?? new FakeClock()
  const pool = new FakePool()
  const functionTokens = new FunctionTokens(newSecret)
  const ledger = new FakeLedger()
  const usage = new FakeUsage()
  const meter = new UsageMeter({ store: usage, clock })
  const packages = new FakePackages()
  /** A test may make it refuse. */
  const space = { refuseMore: (_bytes?: number): void => {}, isNearlyGone: false }
  const images = new FakeImages()
  const builds = new FakeBuilds()
  const backupDir = join(tmpdir(), `taibai-backups-${timeOrderedId()}`)
  const backups = new BackupFolder({
    folder: backupDir,
    copyCatalogue: (file) => database.copyTo(file),
    copyLedger: (file) => writeFile(file, ''),
    packageHashes: async () => [],
    packageFile: () => '',
    builtFolder: () => null,
    withoutRemovals: (work) => work(),
    version: '0.0.0',
    now: () => clock.now(),
  })
  /** What `prepare` of a runtime's image does; a test may replace it. */
  const pools = { prepare: async (_runtime: Runtime): Promise<void> => {} }
  /** Events that were sent; what `answer` says is what the destination answers. */
  const sender = {
    sent: [] as { url: string; event: CloudEvent }[],
    answer: { kind: 'taken' } as SendResult,
    async send(url: string, event: CloudEvent): Promise<SendResult> {
      this.sent.push({ url, event })
      return this.answer
    },
  }
  for (const [name, { projectId, roles }] of Object.entries(callers)) {
    stores.tokens.insert(aToken({ name, projectId, roles: [...roles], hash: sha256(tokenOf(name)) }))
  }
  const infrastructure: Infrastructure = {
    stores,
    shares: new ProjectShares({
      store: stores.projectLimits,
      clock,
      defaults: {},
      today: (...of) => meter.today(...of),
    }),
    usage,
    meter,
    vault: new SecretVault(stores.secrets, Buffer.alloc(32, 7)),
    ledger,
    space,
    packages,
    backups,
    pool,
    eventSender: sender,
    builds: { builder: builds, layers: builds, factsOf: builds.factsOf },
    functionTokens,
    runtimeImages: { prepare: (runtime) => pools.prepare(runtime), languageVersion: () => '24.21.0' },
    health: { engine: async () => engineReport, data: () => dataFacts, facts: healthFacts },
    imageFolders: images,
    images: { engine: images, pulled: images, highWaterBytes: 0 },
    registries: { credentials: fakeLogins(), check: async () => 'unknown' },
    openstack: options.openstack ?? null,
    machines: options.machines && { now: () => options.machines ?? [], onChange() {} },
    clock,
    newId: timeOrderedId,
    log: silentLog,
    settings: {
      ...serviceSettings,
      functions: {
        ...serviceSettings.functions,
        imageAllow: options.imageAllow ?? [],
        timeoutDefaultSeconds: options.timeoutDefaultSeconds ?? 5,
      },
    },
  }
  const services = makeServices(infrastructure)
  const health = { isReady: true }
  const parts = httpParts(infrastructure, services, {
    authenticate: options.auth === 'none' ? openTo(infrastructure) : authenticationBy(services.tokens, infrastructure),
    isReady: () => health.isReady,
    settingsInEffect: () => settingsInEffect(readConfig(environment), environment),
    docs: readDocs,
    engineIsUp: () => true,
    freeBytes: () => 5e9,
    reserveBytes: 256 * mib,
    version: '0.0.0',
    consoleFile: (name) => (name === 'index.html' ? Buffer.from('<!doctype html>') : null),
    settings: { ...httpSettings, isOpen: options.auth === 'none', ...options.settings },
  })
  const app = makeHttpApp(parts)
  const ask = requestOverPipe(() => makeServer(makeListener(app, parts), { bodyTimeoutMs: 60_000 }))

  async function request(method: string, path: string, asked: TestRequest = {}): Promise<TestResponse> {
    const { status, headers, bytes } = await ask({ method, path, ...(await sent(asked)) })
    const text = bytes.toString('utf8')
    return { status, headers, bytes, text, json: parsed(text) }
  }

  const doubles = {
    builds,
    closeBuilds: () => services.builds.close(),
    startBuilds: () => services.builds.start(),
    sender,
    deliveries: services.deliveries,
    functionTokens,
    images,
    backupDir,
    clock,
    pool,
    pools,
    ledger,
    usage,
    meter,
    packages,
    space,
    health,
  }
  const { targets, invocation, runtimes, jobs, scheduler, stats, workerHistory } = services
  return {
    app,
    parts,
    request,
    stores,
    database,
    ...doubles,
    targets,
    invocation,
    runtimes,
    jobs,
    scheduler,
    stats,
    workerHistory,
  }
}

export type TestApp = ReturnType<typeof makeTestApp>

const mib = 1024 * 1024

const engineReport: EngineReport = {
  name: 'Docker',
  version: '29.0.1',
  apiVersion: '1.52',
  cgroupVersion: '2',
  isRootless: false,
  storage: 'overlayfs',
  ociRuntimes: ['runc'],
  proxies: [],
  findings: [],
}

const dataFacts: DataFacts = {
  path: '/data',
  freeBytes: 50 * 1024 * mib,
  totalBytes: 100 * 1024 * mib,
  reserveBytes: 256 * mib,
  databases: [{ name: 'taibai.db', sizeBytes: mib }],
  exposed: [],
}

const healthFacts: HealthFacts = {
  version: '1.2.3',
  startedAt: 0,
  memory: () => ({ budgetBytes: 1024 * mib, hostBytes: 2048 * mib }),
  backupEveryHours: 0,
}

const serviceSettings: ServiceSettings = {
  maxAppBytes: mib,
  sandboxes: ['runsc', 'runc'],
  runs: {
    maxQueued: 100,
    maxQueuedBytes: 1024 * 1024,
    maxAsyncRunning: 10,
    maxAsyncRunningPerFunction: 5,
    maxAttempts: 3,
    maxAsyncAgeMs: 3_600_000,
    maxCallDepth: 16,
    retryPauseMs: 100,
    cancelGraceMs: 50,
    maxLogBytes: 64 * 1024,
    logExecutions: 'all',
  },
  retention: {
    keepExecutionsDays: 30,
    keepExecutionsPerProject: 1000,
    keepDeadLettersDays: 0,
    keepDeadLettersPerProject: 100,
  },
  audit: { keepAuditDays: 365, keepAuditEntries: 100_000 },
  backups: { backupEveryHours: 0, backupKeep: 7 },
  builds: {
    ...{ build: 'auto', maxBuilds: 2, maxOpenBuilds: 5, keepBuilds: 3 },
    ...{ maxBuildLogBytes: 4096, maxBuildLogsBytes: 10_000 },
  },
  functions: {
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
    functionHosts: ['*.apps.example'],
    imageAllow: [],
  },
  swift: { maxSwiftObjectBytes: 100_000, swiftCheckSeconds: 10 },
  maxVersions: 10,
  traceRatio: 1,
  keepUsageDays: 400,
  webhookRate: 1000,
}

const httpSettings: HttpSettings = {
  host: '127.0.0.1',
  isOpen: false,
  maxBodiesBytes: 4 * 1024 * 1024,
  maxBodyBytes: 256 * 1024,
  maxPackageBytes: 1024 * 1024,
  timeoutMaxSeconds: 300,
  trustProxy: false,
  wrongTokensPerMinute: 1000,
  corsOrigins: [],
}

const tokenOf = (name: string): string => `token-of-${name}`
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

async function sent(asked: TestRequest): Promise<{ body: Buffer; headers: Record<string, string> }> {
  const headers = { ...asked.headers }
  const as = asked.as ?? 'alice'
  if (as !== 'nobody') headers['X-Auth-Token'] ??= asked.token ?? tokenOf(as)
  if (asked.json !== undefined) {
    headers['Content-Type'] ??= 'application/json'
    return { body: Buffer.from(JSON.stringify(asked.json)), headers }
  }
  if (asked.form !== undefined) return sentForm(asked.form, headers)
  return { body: Buffer.from(asked.body ?? ''), headers }
}

async function sentForm(fields: Record<string, string | Buffer>, headers: Record<string, string>) {
  const form = new Response(formBody(fields))
  const type = { 'Content-Type': form.headers.get('Content-Type') as string }
  return { body: Buffer.from(await form.arrayBuffer()), headers: { ...headers, ...type } }
}

function formBody(fields: Record<string, string | Buffer>): FormData | URLSearchParams {
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
