import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { unpackAssets } from '../../assets.ts'
import { type Client, makeClient } from '../../client/client.ts'
import type { Config } from '../../config.ts'
import { isPortTaken, readSettings } from '../../host/address.ts'
import { makeEngineClient } from '../../host/engine-client.ts'
import { SetupProblem } from '../../host/problem.ts'
import type { Progress } from '../../host/progress.ts'
import { readyEngine } from '../../host/ready-engine.ts'
import { findServer, serverFiles, startServer, stopLimitMs, stopServer } from '../../host/server-process.ts'
import { serverVersion } from '../../host/server-version.ts'
import { type Cli, type NamedServer, usageError } from '../command.ts'
import { adminTokenIn } from '../servers/admin-token.ts'
import { isLoopbackUrl, liveSession, makeSessionFolder, removeSession, writeSession } from './session.ts'

/** The server of a session: an existing one, or its own for the session's duration. */

export interface DevServer {
  client: Client
  isOwn: boolean
  /** Undefined: the server existed before. */
  engine: Config['engine'] | undefined
  /** A description of the server. */
  about: string
  dataDir: string | undefined
  close(): Promise<void>
}

export interface DevServerOptions {
  engine: Config['engine'] | undefined
  port: number | undefined
  /** True when a debugger may halt code: calls then have no timeout. */
  debugs: boolean
}

/** Throws CliError for a remote server that was not named explicitly for this command. */
export async function openServer(cli: Cli, folder: string, wish: DevServerOptions): Promise<DevServer> {
  const named = cli.server()
  const ownBecause = wish.debugs ? '--inspect' : wish.engine ? '--engine' : wish.port !== undefined ? '--port' : null
  const choice = chooseServer(named, ownBecause)
  refuseSecond(folder)
  if (choice === 'named') return there(cli)
  if (choice === 'if it runs' && (await cli.client().knowsUs())) return there(cli)
  return startOwn(cli, folder, wish)
}

/** Pure. `ownBecause`: the option that requires a server of its own. Throws CliError. */
export function chooseServer(
  { url, namedBy, context }: Pick<NamedServer, 'url' | 'namedBy' | 'context'>,
  ownBecause: string | null,
): 'named' | 'if it runs' | 'own' {
  if (namedBy === 'option') {
    if (ownBecause === null) return 'named'
    throw usageError(`${ownBecause} is for a server of this session: leave it out, or leave out --context and --url.`)
  }
  if (ownBecause !== null) return 'own'
  if (namedBy === 'machine' || namedBy === 'session') return 'if it runs'
  if (isLoopbackUrl(url)) return 'named'
  const name = context === undefined ? url : `${context} (${url})`
  const option = context === undefined ? `--url ${url}` : `--context ${context}`
  throw usageError(
    `Commands use ${name} here, which is another machine: each save would change what runs there. If you want that, pass ${option}; for a server of this session, pass --context local.`,
  )
}

/** Throws UnreachableError, or ApiError when the server refuses our token. */
async function there(cli: Cli): Promise<DevServer> {
  const client = cli.client()
  await client.runtimes.list()
  const { namedBy, context } = cli.server()
  const about = context === undefined ? 'it was running' : `context ${context}`
  return {
    client,
    isOwn: false,
    engine: undefined,
    dataDir: namedBy === 'machine' ? cli.dataDir : undefined,
    about: `${about}; what is saved changes its functions of these names`,
    close: async () => client.close(),
  }
}

function refuseSecond(folder: string): void {
  const session = liveSession(folder)
  if (session === null) return
  throw usageError(`This folder is served already, by process ${session.pid} at ${session.url}: end that with q.`)
}

const usualPort = 7070
const triedPorts = 50
/** Longer paths leave no space for the workers' socket paths. */
const longestDataDir = 70

async function startOwn(cli: Cli, folder: string, wish: DevServerOptions): Promise<DevServer> {
  const dataDir = dataDirOf(cli, folder)
  const settings = readSettings({ TAIBAI_DATA_DIR: dataDir })
  cli.out.progress('Starting a server for this session …')
  unpackAssets(settings.cacheDir)
  const { engine, why } = await engineFor(cli, settings, wish)
  await stopLeftover(dataDir, settings)
  const port = wish.port ?? (await freePort())
  const url = `http://127.0.0.1:${port}`
  const client = makeClient({ url, token: () => settings.adminToken ?? adminTokenIn(dataDir) })
  const env = { ...environment(wish), TAIBAI_ENGINE: engine, TAIBAI_PORT: String(port) }
  const pid = await startServer({ dataDir, version: serverVersion(engine), env, isReady: client.isReady })
  writeSession(folder, { pid: process.pid, url, dataDir })
  cli.out.progress('')
  return {
    client,
    isOwn: true,
    engine,
    about: `of this session; ${why}`,
    dataDir,
    close: async () => {
      client.close()
      removeSession(folder)
      if (!(await stopServer(dataDir, pid, stopLimitMs(settings))))
        throw new SetupProblem(`The server (process ${pid}) still runs; its log is ${serverFiles(dataDir).log}`)
    },
  }
}

/** Beside the code; when that path is too long, in the folder of the contexts. */
function dataDirOf(cli: Cli, folder: string): string {
  const beside = makeSessionFolder(folder)
  if (Buffer.byteLength(beside) <= longestDataDir) return beside
  return join(cli.configDir, 'dev', createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 12))
}

/** The server is reachable from this machine only, and is temporary. */
const environment = ({ debugs }: DevServerOptions): Record<string, string> => ({
  TAIBAI_HOST: '127.0.0.1',
  TAIBAI_AUTH: 'token',
  TAIBAI_DRAIN_MS: '1000',
  TAIBAI_KEEP_UNUSED_PACKAGES_DAYS: '1',
  ...(debugs && { TAIBAI_TIMEOUT_MAX_SECONDS: String(debuggedSeconds), TAIBAI_LOAD_TIMEOUT_MS: '3600000' }),
})

/** Timeout of a function that a debugger may halt. */
export const debuggedSeconds = 86_400

async function engineFor(
  { out, local }: Cli,
  { dockerHost, engine: usual, runtimesDir, runtimes: versions }: Config,
  { engine, debugs }: DevServerOptions,
): Promise<{ engine: Config['engine']; why: string }> {
  const plain = 'plain processes, WITHOUT ISOLATION'
  if (debugs) return { engine: 'process', why: `${plain}: a debugger reaches nothing in a container` }
  if (engine === 'process' || (engine === undefined && usual === 'process')) return { engine: 'process', why: plain }
  const docker = makeEngineClient(dockerHost, await local.credentials())
  try {
    if (engine === undefined && (await docker.ask()) !== 'yes')
      return { engine: 'process', why: `${plain}: no container engine answers` }
    const ready = await readyEngine(
      { engine: docker, mayInstall: false, runtimesDir, versions },
      quietly(out.progress.bind(out)),
    )
    if (ready.kind !== 'unavailable') return { engine: 'docker', why: 'containers' }
    if (engine === 'docker') throw new SetupProblem(ready.reason)
    return { engine: 'process', why: `${plain}: ${ready.reason}` }
  } finally {
    docker.close()
  }
}

/** Shows only what takes long, while it does. */
const quietly = (show: (line: string) => void): Progress => ({
  step: () => {},
  detail: (line) => show(`Preparing the engine: ${line} …`),
  done: () => {},
  skipped: () => {},
  warn: () => {},
})

/** Stops the server of a session that was killed. */
async function stopLeftover(dataDir: string, settings: Config): Promise<void> {
  const pid = findServer(dataDir)
  if (pid !== undefined) await stopServer(dataDir, pid, stopLimitMs(settings))
}

/** The default port, or the next free one. */
async function freePort(): Promise<number> {
  for (let port = usualPort; port < usualPort + triedPorts; port++) {
    if (!(await isPortTaken({ host: '127.0.0.1', port }))) return port
  }
  throw new SetupProblem(`No port from ${usualPort} to ${usualPort + triedPorts - 1} is free: choose one with --port.`)
}
