import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeInfrastructure } from './app/infrastructure.ts'
import { openPersistentStores } from './app/persistent-stores.ts'
import { resume } from './app/resume.ts'
import { consoleFile, readDocs, storeFiles, version } from './assets.ts'
import { type Config, readHostEnvironment, settingsInEffect } from './config.ts'
import { systemClock as clock } from './domain/clock.ts'
import { fullName } from './domain/functions/image-use.ts'
import { registryOf } from './domain/platform/registry.ts'
import type { Log } from './domain/runs/log.ts'
import { errorTypes } from './domain/runs/outcome.ts'
import { connectEngine } from './engine/sandbox/connect-engine.ts'
import type { SandboxEngine } from './engine/sandbox/sandbox.ts'
import { openLinks } from './engine/worker/open-links.ts'
import { furtherRuntimes, readRuntimes } from './engine/worker/runtime-catalog.ts'
import { ApiListener } from './http/connection/api-listener.ts'
import { Connections } from './http/connection/connections.ts'
import { addressOf, listen } from './http/connection/listen.ts'
import { makeListener } from './http/connection/request-listener.ts'
import { UnreadResponses } from './http/connection/unread-responses.ts'
import { makeHttpApp } from './http/server.ts'
import { makeLogger } from './logger.ts'
import { registryLogins } from './registry-credentials.ts'
import { ensureAdminToken } from './services/platform/admin-token.ts'
import { ensureSecretKey } from './services/platform/secret-key.ts'
import { diskSpace } from './store/data-facts.ts'
import { type DataFolder, emptyFolder, openDataFolder } from './store/data-folder.ts'
import type { SqliteLedger } from './store/ledger.ts'
import { PulledImageNotes } from './store/pulled-images.ts'
import { useAddon } from './store/sqlite.ts'
import { OtlpExporter } from './telemetry/otlp-exporter.ts'
import { authenticationBy, httpParts, openTo } from './wiring/http.ts'
import type { Infrastructure } from './wiring/infrastructure.ts'
import { makeServices, type Services } from './wiring/services.ts'
import { engineOptions, httpSettings, reserveBytes } from './wiring/settings.ts'

/** The life of the server: opens its parts in order, resumes earlier work, and closes everything. */

export interface App {
  /** URL on which it listens. */
  url: string
  port: number
  /**
   * Stops taking work, drains, removes the workers, and closes the parts in reverse order. Rejects when a part could not be
   * closed cleanly; all others are closed then.
   */
  close(why: string): Promise<void>
}

/** `onFatal`: the server cannot continue (the ledger's thread died). Throws an Error with a sentence when it cannot start. */
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
  const persistent = await openPersistentStores(config, data, files, log, onFatal)
  opened.push(persistent.close)
  const engine = await connectEngine(
    {
      ...engineOptions(config, data, manifests, {
        certificates: config.buildCertificatesFile && readFileSync(config.buildCertificatesFile, 'utf8'),
        searchPath: readHostEnvironment().searchPath,
      }),
      credentials: (image) => registries.find(registryOf(image)),
      onPulled: (image) => pulled.note(fullName(image)),
    },
    log,
  )
  opened.push(() => engine.close())
  await clearLeftovers(engine, data, persistent.ledger, log)
  const links = await openLinks(engine, data.workersDir, clock)
  opened.push(() => links.close())

  const apiListener = new ApiListener()
  opened.push(() => apiListener.close())
  const infrastructure = makeInfrastructure(
    config,
    data,
    manifests,
    { ...persistent, key, registries, pulled, spans },
    { engine, links, apiOpener: apiListener },
    log,
  )
  const services = makeServices(infrastructure)
  const status = { isReady: false }
  const server = await listen(
    config.host,
    config.port,
    makeRequestListener(config, data, infrastructure, services, {
      isReady: () => status.isReady && engine.isUp,
      engineIsUp: () => engine.isUp,
    }),
    { bodyTimeoutMs: config.bodyTimeoutMs },
  )
  const connections = new Connections(server)
  const unread = new UnreadResponses(server, config.maxUnreadBytes, log)
  opened.push(() => unread.close())
  const { port, url } = addressOf(server, config.host)
  apiListener.attach(server, config.host, port)
  resume(infrastructure, services, { manifests, further: furtherRuntimes(config.runtimesDir) }, opened)
  status.isReady = true
  const hasTokenFile = config.auth !== 'none' && config.adminToken === undefined
  const place = hasTokenFile ? { adminTokenFile: join(data.path, 'admin.token') } : {}
  log.info({ url, engine: config.engine, auth: config.auth, data: config.dataDir, ...place }, 'taibai is ready')

  const close = async (why: string): Promise<void> => {
    log.info({ why, running: services.invocation.unfinishedCount().running }, 'stopping')
    status.isReady = false
    apiListener.close()
    connections.drain()
    services.scheduler.close()
    services.runtimes.close()
    const ended = Promise.all([
      services.invocation.close(),
      services.deliveries.close(),
      services.jobs.runs.close(),
      services.sources.polls.close(),
      services.backups.close(),
      services.builds.close(),
      infrastructure.pool.close(config.drainMs),
    ])
    if (!(await within(config.drainMs + config.removalMs, ended))) {
      log.warn({}, 'the engine does not remove the workers: the next start removes them')
    }
    await connections.end()
    await closeAll()
    log.info({}, 'stopped')
    log.flush()
  }
  return { url, port, close }
}

function makeExporter({ otlpUrl: url, otlpHeaders }: Config, log: Log): OtlpExporter | undefined {
  if (url === undefined) return undefined
  const headers = otlpHeaders.map((header) => [
    header.slice(0, header.indexOf('=')),
    header.slice(header.indexOf('=') + 1),
  ])
  return new OtlpExporter({ url, headers: Object.fromEntries(headers), version, log })
}

/** Clears what an earlier process left behind: workers, their folders, unfinished executions. */
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

/** Creates the listener of HTTP requests. */
function makeRequestListener(
  config: Config,
  data: DataFolder,
  infrastructure: Infrastructure,
  services: Services,
  health: { isReady(): boolean; engineIsUp(): boolean },
) {
  const { tokens } = services
  if (config.auth !== 'none') tokens.admit(ensureAdminToken(join(data.path, 'admin.token'), config.adminToken))
  const parts = httpParts(infrastructure, services, {
    authenticate: config.auth === 'none' ? openTo(infrastructure) : authenticationBy(tokens, infrastructure),
    ...health,
    freeBytes: () => diskSpace(data.path).freeBytes,
    reserveBytes: reserveBytes(config),
    version,
    settingsInEffect: () => settingsInEffect(config),
    docs: readDocs,
    consoleFile,
    settings: httpSettings(config),
  })
  return makeListener(makeHttpApp(parts), parts)
}

/** False when the work takes longer. */
const within = (ms: number, work: Promise<unknown>): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const stopTimer = clock.after(ms, () => resolve(false))
    work.then(() => {
      stopTimer()
      resolve(true)
    }, reject)
  })
