import { createReadStream, existsSync } from 'node:fs'
import { unpackAssets } from '../assets.ts'
import { type Client, makeClient } from '../client/client.ts'
import type { Config } from '../config.ts'
import { isPortTaken, readSettings, serverUrl } from '../host/address.ts'
import { type EngineClient, makeEngineClient } from '../host/engine-client.ts'
import { SetupProblem } from '../host/problem.ts'
import { makeProgress, type Progress } from '../host/progress.ts'
import { readyEngine } from '../host/ready-engine.ts'
import {
  findServer,
  serverFiles,
  startedVersion,
  startServer,
  stopLimitMs,
  stopServer,
} from '../host/server-process.ts'
import { serverVersion } from '../host/server-version.ts'
import { type Cli, type CommandSpec, type Options, textOption, usageError } from './command.ts'
import { deploySamples, runSamples, type Sample } from './samples.ts'
import { adminTokenIn } from './servers/admin-token.ts'
import { rememberLocalServer } from './servers/local-server.ts'

export const commands: CommandSpec[] = [
  {
    name: 'up',
    summary: 'prepare this machine, start the server, deploy sample functions and call them',
    options: [
      ['--install', "install and start Docker from this system's packages if no engine answers (as root)"],
      [
        '--engine <engine>',
        'docker: containers; swarm: tasks of a Docker Swarm; process: plain processes WITHOUT ISOLATION',
      ],
      ['--images <file>', 'load runtime images or base images from an archive made by "docker save"'],
    ],
    examples: ['taibai up', 'sudo taibai up --install'],
    run: (cli, _args, options) => up(cli, options),
  },
]

interface Context {
  out: Cli['out']
  local: Cli['local']
  progress: Progress
  settings: Config
  client: Client
}

/** Prepares a bare machine up to functions that ran, cold and warm. A repetition skips what is done. */
async function up({ out, local, configDir, dataDir }: Cli, options: Options): Promise<void> {
  const settings = readSettings()
  if (dataDir !== settings.dataDir) out.warn(anotherServer(settings.dataDir, dataDir))
  const engine = engineOf(options) ?? settings.engine
  const progress = makeProgress((line) => out.line(line))
  unpackAssets(settings.cacheDir)
  const client = makeClient({
    url: serverUrl(settings),
    token: () => settings.adminToken ?? adminTokenIn(settings.dataDir),
  })
  const context = { out, local, progress, settings, client }
  if (engine !== 'process') await ensureEngineReady(context, options.install === true, textOption(options, 'images'))
  else warnOfProcesses(progress)
  await ensureServer(context, engine)
  rememberLocalServer(configDir, settings)
  const samples = await deploySamples(context, engine)
  const calls = await runSamples(context, samples)
  out.value({ url: client.url, data_dir: settings.dataDir, engine, calls }, () => sayHowToGoOn(context, samples))
  if (engine === 'process') progress.warn('Functions run WITHOUT ISOLATION here, as said above.')
  client.close()
}

/** Said before a second installation is made: most people who are in another folder look for the first one. */
const anotherServer = (made: string, last: string): string =>
  `This makes a new data folder, ${made}. The server that was started last uses ${last}: start that one with TAIBAI_DATA_DIR=${last}`

function engineOf(options: Options): Config['engine'] | undefined {
  const engine = textOption(options, 'engine')
  if (engine === undefined || engine === 'docker' || engine === 'swarm' || engine === 'process') return engine
  throw usageError(`--engine takes docker, swarm or process, not "${engine}".`)
}

async function ensureEngineReady(
  { local, settings, progress }: Context,
  mayInstall: boolean,
  images: string | undefined,
): Promise<void> {
  const { dockerHost, runtimesDir, runtimes: versions } = settings
  const engine = makeEngineClient(dockerHost, await local.credentials())
  if (images !== undefined) await loadImages(engine, images)
  const result = await readyEngine({ engine, mayInstall, runtimesDir, versions }, progress)
  if (result.kind === 'unavailable') throw new SetupProblem(result.reason)
}

async function loadImages(engine: EngineClient, file: string): Promise<void> {
  if (!existsSync(file)) throw new SetupProblem(`There is no file ${file}.`)
  await engine.load(createReadStream(file))
}

function warnOfProcesses(progress: Progress): void {
  progress.step('Engine')
  progress.warn('The engine is plain child processes: functions run WITHOUT ISOLATION.')
  progress.warn('That is for trying things out: run only code that you trust.')
}

async function ensureServer(context: Context, engine: Config['engine']): Promise<void> {
  const { settings, client, progress } = context
  progress.step('Server')
  const version = serverVersion(engine)
  if (await client.isReady()) {
    await refuseStranger(client)
    if (!(await stopOutdated(context, version))) return progress.skipped(`it answers at ${client.url}`)
  }
  await refuseTakenPort(settings)
  const env = { TAIBAI_ENGINE: engine }
  const pid = await startServer({ dataDir: settings.dataDir, version, env, isReady: client.isReady })
  progress.done(`started at ${client.url} (process ${pid}, log ${serverFiles(settings.dataDir).log})`)
}

async function refuseStranger(client: Client): Promise<void> {
  if (await client.knowsUs()) return
  throw new SetupProblem(
    `Something else answers at ${client.url}, or a Taibai with another data folder. Stop it, or choose another port with TAIBAI_PORT.`,
  )
}

/** Stops a server that we started from another program or with another engine, so that the current one can start. */
async function stopOutdated({ settings, progress }: Context, version: string): Promise<boolean> {
  const pid = findServer(settings.dataDir)
  if (pid === undefined || startedVersion(settings.dataDir) === version) return false
  progress.detail('its program or its engine has changed: restarting it')
  if (await stopServer(settings.dataDir, pid, stopLimitMs(settings))) return true
  throw new SetupProblem(`Process ${pid} was asked to stop but still runs; see ${serverFiles(settings.dataDir).log}`)
}

async function refuseTakenPort(settings: Config): Promise<void> {
  if (!(await isPortTaken(settings))) return
  const own = findServer(settings.dataDir)
  if (own)
    throw new SetupProblem(
      `The server (process ${own}) runs but is not ready; see ${serverFiles(settings.dataDir).log}`,
    )
  throw new SetupProblem(
    `Port ${settings.port} is taken by another program. Stop that program, or choose another port with TAIBAI_PORT.`,
  )
}

function sayHowToGoOn({ settings, client, out }: Context, samples: Sample[]): void {
  const token = `$(cat ${settings.dataDir}/admin.token)`
  out.line(`
Taibai is running at ${client.url}
  the admin token    ${settings.dataDir}/admin.token
  call a function    curl -H "X-Auth-Token: ${token}" -d '{"name": "you"}' ${client.url}/fn/${samples[0]?.name}
  the console        ${client.url}/console (log in with that token)
  the documentation  ${client.url}/docs
  stop it            taibai down (from the sources: npm run down)`)
}
