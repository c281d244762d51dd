import { readFileSync } from 'node:fs'
import { networkInterfaces, totalmem } from 'node:os'
import { join } from 'node:path'
import { consoleFile, readDocs, storeFiles, version } from './assets.ts'
import { type Config, readHostEnvironment, settingsInEffect } from './config.ts'
import { systemClock as clock } from './domain/clock.ts'
import { timeOrderedId as newId } from './domain/ids.ts'
import { fullName } from './domain/image-use.ts'
import type { Log } from './domain/log.ts'
import { errorTypes } from './domain/outcome.ts'
import { registryOf } from './domain/registry.ts'
import { manifestOf, type RuntimeManifest } from './domain/runtime.ts'
import type { SpanSink } from './domain/trace.ts'
import type { Pool } from './domain/worker.ts'
import { WorkerPool } from './engine/pool/pool.ts'
import { connectEngine } from './engine/sandbox/connect-engine.ts'
import type { SandboxEngine } from './engine/sandbox/sandbox.ts'
import { ImageTrial } from './engine/worker/image-trial.ts'
import type { WorkerLinks } from './engine/worker/link.ts'
import { openLinks } from './engine/worker/open-links.ts'
import { readRuntimes } from './engine/worker/runtime-catalog.ts'
import { SandboxWorkers } from './engine/worker/worker-factory.ts'
import { Connections } from './http/connections.ts'
import { makeListener } from './http/front.ts'
import { addressOf, listen } from './http/listen.ts'
import { makeHttpApp } from './http/server.ts'
import { WorkerDoor } from './http/worker-door.ts'
import { makeLogger } from './logger.ts'
import { makeOpenStack } from './openstack/openstack.ts'
import { addressRules } from './outbound/address-rules.ts'
import { HttpEventSender } from './outbound/event-sender.ts'
import { registryLogins } from './registry-credentials.ts'
import type { Targets } from './services/functions/targets.ts'
import { FunctionTokens } from './services/platform/function-tokens.ts'
import { ProjectShares } from './services/platform/project-shares.ts'
import { ensureSecretKey } from './services/platform/secret-key.ts'
import { SecretVault } from './services/platform/secret-vault.ts'
import { ensureAdminToken, newSecret } from './services/platform/tokens.ts'
import { UsageMeter } from './services/runs/usage-meter.ts'
import { BackupFolder } from './store/backups.ts'
import { diskSpace, readDataFacts } from './store/data-facts.ts'
import { type DataFolder, emptyFolder, openDataFolder, refuseLostCatalogue } from './store/data-folder.ts'
import { Database } from './store/database.ts'
import { DiskReserve } from './store/disk-reserve.ts'
import { LayerFolder } from './store/layers.ts'
import { SqliteLedger } from './store/ledger.ts'
import type { WriterFiles } from './store/ledger-queue.ts'
import { PackageFolder } from './store/packages.ts'
import { PulledImageNotes } from './store/pulled-images.ts'
import type { RegistryLogins } from './store/registry-logins.ts'
import { useAddon } from './store/sqlite.ts'
import { OtlpExporter } from './telemetry/otlp-exporter.ts'
import {
  authenticationBy,
  type Ground,
  httpParts,
  makeServices,
  makeStores,
  openTo,
  ranBefore,
  type Services,
} from './wiring.ts'
import * as given from './wiring-settings.ts'

/** The life of the server: what is opened, in which order, how it goes on with what was there, and how all of it closes. */

export interface App {
  /** Where it listens. */
  url: string
  port: number
  /**
   * Takes no more work, drains, removes the workers, closes what is open, in the reverse order of opening. Rejects when
   * something could not be closed well; all else is closed then.
   */
  close(why: string): Promise<void>
}

const pruneEveryMs = 3_600_000
const noteUsesEveryMs = 60_000
const dayMs = 86_400_000

/** `onFatal`: the server cannot go on (the ledger's thread died). Throws an Error with a sentence when it cannot start. */
export async function startApp(config: Config, onFatal: (error: Error) => void): Promise<App> {
  const opened: (() => unknown)[] = []
  const log = makeLogger(config.logLevel)
  const closeAll = async () => {
    const failures: unknown[] = []
    for (const close of opened.reverse())
      await Promise.resolve()
        .then(close)
        .catch((error) => failures.push(error))
    if (failures.length > 0) throw failures[0]
  }
  try {
    return await open(config, log, opened, closeAll, onFatal)
  } catch (error) {
    await closeAll().catch(() => {})
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
  const files = storeFiles(config.cacheDir)
  if (files.addon !== undefined) useAddon(files.addon)
  const data = openDataFolder(config.dataDir)
  opened.push(data.unlock)
  const manifests = readRuntimes(config.runtimesDir, config.runtimes, { ofHost: config.engine === 'process' })
  const key = ensureSecretKey(join(data.path, 'secret.key'), config)
  const registries = registryLogins(data.path, key)
  const pulled = new PulledImageNotes(join(data.path, 'pulled-images.json'))
  const spans = makeExporter(config, log)
  opened.push(() => spans?.close())
  const kept = await openKept(config, data, files, log, onFatal)
  opened.push(kept.close)
  const engine = await connectEngine(
    {
      ...given.engineOptions(config, data, manifests, {
        certificates: config.buildCertificatesFile && readFileSync(config.buildCertificatesFile, 'utf8'),
        searchPath: readHostEnvironment().searchPath,
      }),
      credentials: (image) => registries.find(registryOf(image)),
      onPulled: (image) => pulled.note(fullName(image)),
    },
    log,
  )
  opened.push(() => engine.close())
  await clearLeftovers(engine, data, kept.ledger, log)
  const links = await openLinks(engine, data.workersDir, clock)
  opened.push(() => links.close())

  const workerDoor = new WorkerDoor()
  opened.push(() => workerDoor.close())
  const around = { engine, links, apiDoor: workerDoor }
  const ground = makeGround(config, data, manifests, { ...kept, key, registries, pulled, spans }, around, log)
  const services = makeServices(ground)
  const status = { isReady: false }
  const server = await listen(
    config.host,
    config.port,
    makeDoor(config, data, ground, services, {
      isReady: () => status.isReady && engine.isUp,
      engineIsUp: () => engine.isUp,
    }),
    { bodyTimeoutMs: config.bodyTimeoutMs },
  )
  const connections = new Connections(server)
  const { port, url } = addressOf(server, config.host)
  workerDoor.attach(server, config.host, port)
  resume(ground, services, manifests, opened)
  status.isReady = true
  const isKeptHere = config.auth !== 'none' && config.adminToken === undefined
  const place = isKeptHere ? { adminTokenFile: join(data.path, 'admin.token') } : {}
  log.info({ url, engine: config.engine, auth: config.auth, data: config.dataDir, ...place }, 'taibai is ready')

  const close = async (why: string): Promise<void> => {
    log.info({ why, running: services.invocation.unfinishedCount().running }, 'stopping')
    status.isReady = false
    workerDoor.close()
    connections.drain()
    services.scheduler.close()
    const ended = Promise.all([
      services.invocation.close(),
      services.deliveries.close(),
      services.jobs.runs.close(),
      services.sources.polls.close(),
      services.backups.close(),
      services.builds.close(),
      ground.pool.close(config.drainMs),
    ])
    if (!(await within(config.drainMs + config.removalMs, ended))) {
      log.warn({}, 'the engine does not remove the workers: the next start will')
    }
    await connections.end()
    await closeAll()
    log.info({}, 'stopped')
    log.flush()
  }
  return { url, port, close }
}

/** What lasts: both databases and the packages. */
async function openKept(
  config: Config,
  data: DataFolder,
  files: WriterFiles,
  log: Log,
  onFatal: (error: Error) => void,
) {
  refuseLostCatalogue(data.path)
  const database = new Database(join(data.path, 'taibai.db'))
  const space = new DiskReserve({ folder: data.path, reserveBytes: given.reserveBytes(config), clock, log })
  const ledger = new SqliteLedger({ path: join(data.path, 'ledger.db'), clock, log, onFatal, files, space })
  const limits = given.packageLimits(config)
  const packages = await PackageFolder.open({
    folder: join(data.path, 'packages'),
    limits,
    keepUnusedMs: config.keepUnusedPackagesDays * dayMs,
    space,
    clock,
  })
  const layers = await LayerFolder.open({
    ...given.layerLimits(config),
    folder: join(data.path, 'layers'),
    space,
    clock,
  })
  return {
    stores: makeStores(database),
    ledger,
    space,
    packages,
    layers,
    backups: new BackupFolder({
      folder: config.backupDir ?? join(data.path, 'backups'),
      copyCatalogue: (file) => database.copyTo(file),
      copyLedger: (file) => ledger.copyTo(file),
      packageHashes: () => packages.hashes(),
      packageFile: (hash) => packages.zipFile(hash),
      builtFolder: (hash) => packages.builtFolder(hash),
      whileKept: (work) => packages.whileKept(work),
      version,
      now: clock.now,
    }),
    close: async () => {
      await ledger.end().finally(() => database.close())
    },
  }
}

type Kept = Awaited<ReturnType<typeof openKept>>

function makeExporter({ otlpUrl: url, otlpHeaders }: Config, log: Log): OtlpExporter | undefined {
  if (url === undefined) return undefined
  const headers = otlpHeaders.map((header) => [
    header.slice(0, header.indexOf('=')),
    header.slice(header.indexOf('=') + 1),
  ])
  return new OtlpExporter({ url, headers: Object.fromEntries(headers), version, log })
}

/** What an earlier run left behind: its workers, their folders, its unfinished executions. */
async function clearLeftovers(engine: SandboxEngine, data: DataFolder, ledger: SqliteLedger, log: Log): Promise<void> {
  const removed = await engine.removeLeftovers()
  if (removed > 0) log.warn({ workers: removed }, 'removed the workers that an earlier run left behind')
  emptyFolder(data.workersDir)
  const settled = ledger.settle({
    type: errorTypes.platform,
    message: 'The server ended while the function ran.',
    stack: null,
  })
  if (settled > 0) log.warn({ executions: settled }, 'executions of an earlier run are recorded as errors')
}

function makeGround(
  config: Config,
  data: DataFolder,
  manifests: RuntimeManifest[],
  {
    stores,
    ledger,
    space,
    packages,
    layers,
    backups,
    key,
    registries,
    pulled,
    spans,
  }: Kept & { key: Buffer; registries: RegistryLogins; pulled: PulledImageNotes; spans: SpanSink | undefined },
  { engine, links, apiDoor }: { engine: SandboxEngine; links: WorkerLinks; apiDoor: WorkerDoor },
  log: Log,
): Ground {
  const functionTokens = new FunctionTokens(newSecret)
  const languageVersions = new Map<string, string>()
  const meter = new UsageMeter({ store: ledger, clock })
  const shares = new ProjectShares({
    store: stores.projectLimits,
    clock,
    defaults: given.projectLimits(config),
    today: (id) => meter.today(id),
  })
  const vault = openVault(key, stores, log)
  const factory = new SandboxWorkers(
    given.workersParts(config, manifests, {
      engine,
      links,
      packages,
      clock,
      log,
      languageVersions,
      secrets: vault,
      apiDoor,
      workerTokens: functionTokens,
    }),
  )
  return {
    stores,
    vault,
    shares,
    ledger,
    usage: ledger,
    meter,
    space,
    packages,
    backups,
    pool: new WorkerPool({
      factory,
      clock,
      log,
      options: given.poolOptions(config, engine),
      ranBefore: ranBefore(stores.functions, ledger),
      engineIsUp: () => engine.isUp,
      shares,
      meter,
    }),
    eventSender: new HttpEventSender({
      mayReach: addressRules(config.egressAllow, ownAddresses()),
      timeoutMs: config.deliveryTimeoutMs,
    }),
    builds: {
      builder: engine.builder,
      layers,
      factsOf: (image) => manifestOf(manifests, image)?.builder,
    },
    functionTokens,
    runtimeImages: new ImageTrial(engine, factory, languageVersions),
    health: {
      engine: () => engine.report(),
      data: () => readDataFacts(data.path, given.reserveBytes(config)),
      facts: { ...given.healthSettings(config), version, startedAt: clock.now(), hostMemoryBytes: totalmem() },
    },
    images: { engine: engine.images, pulled, highWaterBytes: config.imagesHighWaterMb * 1024 * 1024 },
    registries: { credentials: registries, check: async (secret) => engine.images?.check(secret) ?? 'unknown' },
    spans,
    openstack: config.auth === 'keystone' ? makeOpenStack(given.openStackSettings(config), clock, log) : null,
    clock,
    newId,
    log,
    settings: given.serviceSettings(config),
  }
}

/** What was sealed with a key that is lost stays lost, and is said to be: all else goes on. */
function openVault(key: Buffer, stores: Kept['stores'], log: Log): SecretVault {
  const vault = new SecretVault(stores.secrets, key)
  const { lost } = vault
  if (lost > 0) log.error({ values: lost }, 'secrets were sealed with another key: bring back the secret.key of then')
  return vault
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address))

/** What listens on the port. */
function makeDoor(
  config: Config,
  data: DataFolder,
  ground: Ground,
  services: Services,
  health: { isReady(): boolean; engineIsUp(): boolean },
) {
  const { tokens } = services
  if (config.auth !== 'none') tokens.admit(ensureAdminToken(join(data.path, 'admin.token'), config.adminToken))
  const parts = httpParts(ground, services, {
    authenticate: config.auth === 'none' ? openTo(ground) : authenticationBy(tokens, ground),
    ...health,
    freeBytes: () => diskSpace(data.path).freeBytes,
    reserveBytes: given.reserveBytes(config),
    version,
    settingsInEffect: () => settingsInEffect(config),
    docs: readDocs,
    consoleFile,
    settings: given.httpSettings(config),
  })
  return makeListener(makeHttpApp(parts), parts)
}

/** Goes on with what was there: runtimes, accepted executions, jobs; then the housekeeping. */
function resume(
  { stores, packages, pool, meter, log }: Ground,
  services: Services,
  manifests: RuntimeManifest[],
  opened: (() => unknown)[],
): void {
  const {
    runtimes,
    invocation,
    deliveries,
    targets,
    jobs,
    sources,
    scheduler,
    executions,
    images,
    tokens,
    audit,
    usage,
  } = services
  runtimes.registerBuiltin(manifests)
  runtimes.resume()
  const recovered = invocation.recover((projectId, ref) => targets.resolveIn(projectId, ref), jobs.runs.follow)
  deliveries.start()
  if (recovered > 0) log.info({ executions: recovered }, 'going on with accepted executions')
  for (const fn of stores.functions.list(null)) if (fn.minWorkers > 0) keepWarm(targets, pool, fn.id, log)
  scheduler.start({
    onDue: (due, nowMs) => void jobs.runs.fire(due, nowMs),
    onSoon: (soon) => jobs.runs.expect(soon),
    onSetBack: (backMs, nowMs) => jobs.runs.setBack(backMs, nowMs),
  })
  jobs.runs.start()
  meter.start(() => pool.noteHeld())
  opened.push(() => meter.close())
  sources.polls.start()
  void services.backups.start()
  services.builds.start()
  const prune = () =>
    void Promise.all([
      executions.prune(),
      packages.prune(stores.functions.packageHashes()),
      images.collect(),
      services.builds.prune(),
      Promise.resolve().then(() => audit.prune()),
      Promise.resolve().then(() => usage.prune()),
    ]).catch((error: unknown) => log.error({ err: error }, 'pruning failed'))
  prune()
  const timer = setInterval(prune, pruneEveryMs).unref()
  const usesTimer = setInterval(() => tokens.noteUses(), noteUsesEveryMs).unref()
  opened.push(() => {
    clearInterval(timer)
    clearInterval(usesTimer)
    tokens.noteUses()
  })
}

function keepWarm(targets: Targets, pool: Pool, functionId: string, log: Log): void {
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
