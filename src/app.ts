import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { customAlphabet } from 'nanoid'
import type { Config } from './config.ts'
import { systemClock as clock } from './domain/clock.ts'
import { timeOrderedId as newId } from './domain/ids.ts'
import type { Log } from './domain/log.ts'
import { errorTypes } from './domain/outcome.ts'
import { type Authenticate, openPrincipal } from './domain/principal.ts'
import type { RuntimeManifest } from './domain/runtime.ts'
import { WorkerPool } from './engine/pool/pool.ts'
import { connectEngine } from './engine/sandbox/connect-engine.ts'
import type { SandboxEngine } from './engine/sandbox/sandbox.ts'
import { ImageTrial } from './engine/worker/image-trial.ts'
import { readRuntimes } from './engine/worker/runtime-catalog.ts'
import { Workers as WorkerMaker } from './engine/worker/workers.ts'
import { makeListener } from './http/front.ts'
import { addressOf, listen } from './http/listen.ts'
import { makeHttpApp } from './http/server.ts'
import { makeLogger } from './logger.ts'
import { makeOpenStack, type OpenStack } from './openstack/openstack.ts'
import { cronPatterns } from './scheduler/cron-patterns.ts'
import { Scheduler } from './scheduler/scheduler.ts'
import { Aliases } from './services/functions/aliases.ts'
import { FunctionVersions } from './services/functions/function-versions.ts'
import { Functions } from './services/functions/functions.ts'
import { SwiftCode } from './services/functions/swift-code.ts'
import { Targets } from './services/functions/targets.ts'
import { Runtimes } from './services/platform/runtimes.ts'
import { ensureAdminToken, isOwnToken, Tokens } from './services/platform/tokens.ts'
import { Workers } from './services/platform/workers.ts'
import { Executions } from './services/runs/executions.ts'
import { Invocation } from './services/runs/invocation.ts'
import { Stats } from './services/runs/stats.ts'
import { Jobs } from './services/triggers/jobs.ts'
import { Sources } from './services/triggers/sources.ts'
import { Webhooks } from './services/triggers/webhooks.ts'
import { AliasRows } from './store/aliases.ts'
import { type DataFolder, emptyFolder, openDataFolder } from './store/data-folder.ts'
import { Database } from './store/database.ts'
import { FunctionRows } from './store/functions.ts'
import { JobRows } from './store/jobs.ts'
import { SqliteLedger } from './store/ledger.ts'
import { PackageFolder } from './store/packages.ts'
import { RuntimeRows } from './store/runtimes.ts'
import { SourceRows } from './store/sources.ts'
import { TokenRows } from './store/tokens.ts'
import { WebhookRows } from './store/webhooks.ts'
import { zipOf } from './store/zip-of.ts'

/** The only file that knows every layer. Tests start the same. */

export interface App {
  /** Where it listens. */
  url: string
  port: number
  /** Takes no more work, drains, removes the workers, closes what is open, in the reverse order of opening. */
  close(why: string): Promise<void>
}

const pruneEveryMs = 3_600_000
const workerName = customAlphabet('abcdefghijkmnpqrstuvwxyz23456789', 10)

/** `onFatal`: the server cannot go on (the ledger's thread died). Throws an Error with a sentence when it cannot start. */
export async function startApp(config: Config, onFatal: (error: Error) => void): Promise<App> {
  const opened: (() => unknown)[] = []
  const log = makeLogger(config.logLevel)
  const closeAll = async () => {
    for (const close of opened.reverse()) await close()
  }
  try {
    return await open(config, log, opened, closeAll, onFatal)
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function open(
  config: Config,
  log: Log & { flush(): void },
  opened: (() => unknown)[],
  closeAll: () => Promise<void>,
  onFatal: (error: Error) => void,
): Promise<App> {
  opened.push(() => log.flush())
  const data = openDataFolder(config.dataDir)
  opened.push(data.unlock)
  const manifests = readRuntimes(config.runtimesDir)
  const stores = await openStores(config, data, log, onFatal)
  opened.push(stores.close)

  const engine = await connectEngine({ ...config, ...data, host: config.dockerHost, manifests }, log)
  opened.push(() => engine.close())
  const removed = await engine.removeLeftovers()
  if (removed > 0) log.warn({ workers: removed }, 'removed the workers that an earlier run left behind')
  emptyFolder(data.workersDir)
  const settled = stores.ledger.settle({
    type: errorTypes.platform,
    message: 'The server ended while the function ran.',
    stack: null,
  })
  if (settled > 0) log.warn({ executions: settled }, 'executions of an earlier run are recorded as errors')

  const openstack = config.auth === 'keystone' ? makeOpenStack(config, clock, log) : null
  const parts = makeParts(config, data, manifests, stores, engine, openstack, log)
  const status = { isReady: false }
  const server = await listen(config.host, config.port, makeApp(config, data, parts, stores, status, log))
  const { port, url } = addressOf(server, config.host)
  resume(parts, stores, manifests, opened, log)
  status.isReady = true
  log.info({ url, engine: config.engine, auth: config.auth, data: config.dataDir }, 'taibai is ready')

  const close = async (why: string): Promise<void> => {
    log.info({ why, running: parts.invocation.unfinishedCount().running }, 'stopping')
    status.isReady = false
    server.close()
    server.closeIdleConnections()
    parts.scheduler.close()
    const ended = Promise.all([
      parts.invocation.close(),
      parts.jobs.runs.close(),
      parts.sources.polls.close(),
      parts.pool.close(config.drainMs),
    ])
    if (!(await within(config.drainMs + config.removalMs, ended))) {
      log.warn({}, 'the engine does not remove the workers: the next start will')
    }
    server.closeAllConnections()
    await closeAll()
    log.info({}, 'stopped')
    log.flush()
  }
  return { url, port, close }
}

async function openStores(config: Config, data: DataFolder, log: Log, onFatal: (error: Error) => void) {
  const database = new Database(join(data.path, 'taibai.db'))
  const ledger = new SqliteLedger({ path: join(data.path, 'ledger.db'), clock, log, onFatal })
  const { maxPackageBytes, maxUnpackedBytes, maxPackageEntries } = config
  const limits = { maxPackageBytes, maxUnpackedBytes, maxPackageEntries }
  return {
    ledger,
    packages: await PackageFolder.open({ folder: join(data.path, 'packages'), limits, clock }),
    functions: new FunctionRows(database),
    runtimes: new RuntimeRows(database),
    aliases: new AliasRows(database),
    jobs: new JobRows(database),
    webhooks: new WebhookRows(database),
    sources: new SourceRows(database),
    tokens: new TokenRows(database),
    close: async () => {
      await ledger.end()
      database.close()
    },
  }
}

type Stores = Awaited<ReturnType<typeof openStores>>

function makeParts(
  config: Config,
  data: DataFolder,
  manifests: RuntimeManifest[],
  stores: Stores,
  engine: SandboxEngine,
  openstack: OpenStack | null,
  log: Log,
) {
  const { ledger, packages, functions, aliases, jobs, webhooks, sources } = stores
  const codeFolder = (hash: string) => packages.folder(hash)
  const factory = new WorkerMaker({
    ...config,
    engine,
    clock,
    manifests,
    workersDir: data.workersDir,
    codeFolder,
    newName: workerName,
  })
  const options = { ...config, memoryBudgetBytes: config.memoryBudgetMb * 1048576, genericFloor: config.genericWorkers }
  const pool = new WorkerPool({ factory, clock, log, options, ranBefore: ranBefore(stores) })
  const targets = new Targets(stores)
  const common = { ...stores, pool, targets, clock, newId, log }
  const stats = new Stats({ clock })
  const trusts = openstack?.trusts
  const swift = openstack === null ? undefined : new SwiftCode({ ...common, ...openstack, limits: config })
  const invocation = new Invocation({ ...common, trusts, swift, onEnd: stats.record, limits: config })
  const runtimes = new Runtimes({ ...common, pools: new ImageTrial(engine, factory) })
  const scheduler = new Scheduler({ clock, log })
  const shared = { ...common, invocation, runtimes, trusts, swift }
  return {
    pool,
    targets,
    invocation,
    stats,
    scheduler,
    runtimes,
    functions: new Functions({ ...shared, zipOf, limits: config }),
    versions: new FunctionVersions({
      functions,
      aliases,
      jobs,
      webhooks,
      sources,
      packages,
      targets,
      pool,
      ledger,
      clock,
      newId,
      maxVersions: config.maxVersions,
    }),
    aliases: new Aliases({ aliases, functions, jobs, webhooks, sources, targets, clock, newId }),
    workers: new Workers({ functions, targets, pool }),
    executions: new Executions({ ledger, invocation, targets, retention: config }),
    jobs: new Jobs({
      store: jobs,
      timers: scheduler,
      patterns: cronPatterns(),
      targets,
      invocation,
      ledger,
      pool,
      clock,
      newId,
      log,
    }),
    sources: new Sources({ ...common, ...openstack, store: sources, invocation }),
    webhooks: new Webhooks({
      store: webhooks,
      targets,
      invocation,
      clock, // Whoever knows it may call: all of it is random.
      newId: randomUUID,
    }),
    tokens: new Tokens({ tokens: stores.tokens, clock, newId }),
    openstack,
  }
}

type Parts = ReturnType<typeof makeParts>

/** The function versions that ran before this process began. */
function ranBefore({ functions, ledger }: Stores): (functionId: string, version: number) => boolean {
  const known = new Set<string>()
  for (const { id } of functions.list(null)) {
    const versions = [0, ...functions.listVersions(id).map((version) => version.number)]
    for (const version of versions) if (ledger.counts(id, version).count > 0) known.add(`${id}/${version}`)
  }
  return (functionId, version) => known.has(`${functionId}/${version}`)
}

function makeApp(
  config: Config,
  data: DataFolder,
  parts: Parts,
  stores: Stores,
  status: { isReady: boolean },
  log: Log,
) {
  if (config.auth !== 'none') parts.tokens.admit(ensureAdminToken(join(data.path, 'admin.token'), config.adminToken))
  const authenticate = config.auth === 'none' ? () => openPrincipal : authenticationBy(parts)
  const { invocation, scheduler, pool } = parts
  const gauges = () => ({ ...invocation.unfinishedCount(), jobs: scheduler.size, workers: pool.workers() })
  const isReady = () => status.isReady
  const httpParts = { ...stores, ...parts, authenticate, isReady, gauges, newId, log, settings: config }
  return makeListener(makeHttpApp(httpParts), httpParts)
}

/** With Keystone, too, our own tokens are good: the installation's admin and its tools have no other. */
function authenticationBy({ tokens, openstack }: Parts): Authenticate {
  if (openstack === null) return tokens.authenticate
  return (token) =>
    tokens.authenticate(token) ?? (token === null || isOwnToken(token) ? null : openstack.authenticate(token))
}

/** Goes on with what was there: runtimes, accepted executions, jobs; then the housekeeping. */
function resume(parts: Parts, stores: Stores, manifests: RuntimeManifest[], opened: (() => unknown)[], log: Log): void {
  const { runtimes, invocation, targets, jobs, sources, scheduler, executions } = parts
  runtimes.registerBuiltin(manifests)
  runtimes.resume()
  const recovered = invocation.recover((projectId, ref) => targets.resolveIn(projectId, ref), jobs.runs.follow)
  if (recovered > 0) log.info({ executions: recovered }, 'going on with accepted executions')
  for (const fn of stores.functions.list(null)) if (fn.minWorkers > 0) keepWarm(parts, fn.id, log)
  scheduler.start({ onDue: (due, nowMs) => void jobs.runs.fire(due, nowMs), onSoon: (soon) => jobs.runs.expect(soon) })
  jobs.runs.start()
  sources.polls.start()
  const { packages, functions } = stores
  const prune = () =>
    void Promise.all([executions.prune(), packages.prune(functions.packageHashes())]).catch((error: unknown) =>
      log.error({ err: error }, 'pruning failed'),
    )
  prune()
  const timer = setInterval(prune, pruneEveryMs).unref()
  opened.push(() => clearInterval(timer))
}

function keepWarm({ targets, pool }: Parts, functionId: string, log: Log): void {
  try {
    pool.keep(targets.resolveIn('', { functionId }).revision)
  } catch (error) {
    log.warn({ function: functionId, err: error }, 'a function with min_workers cannot be kept warm')
  }
}

/** False when it takes longer. */
const within = (ms: number, work: Promise<unknown>): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const stopTimer = clock.after(ms, () => resolve(false))
    work.then(() => {
      stopTimer()
      resolve(true)
    }, reject)
  })
