// The one command: from a bare machine to functions that ran, cold and warm. Repeated, it skips what is done.
import type { Config } from '../src/config.ts'
import { type Api, createApi } from './setup/api.ts'
import { chooseEngine, type Engine } from './setup/choose-engine.ts'
import { runCommand, SetupProblem } from './setup/problem.ts'
import { detail, done, skipped, step, warn } from './setup/progress.ts'
import { deploySamples, runSamples, type Sample } from './setup/samples.ts'
import {
  findServer,
  serverFiles,
  startedVersion,
  startServer,
  stopLimitMs,
  stopServer,
} from './setup/server-process.ts'
import { serverVersion } from './setup/server-version.ts'
import { isPortTaken, readSettings, serverUrl } from './setup/settings.ts'

interface Context {
  settings: Config
  api: Api
}

async function main(): Promise<undefined> {
  const settings = readSettings()
  const context = { settings, api: createApi(serverUrl(settings), settings.dataDir, settings.adminToken) }
  sayPackages()
  const engine = await chooseEngine(settings)
  await ensureServer(context, engine)
  const samples = await deploySamples(context.api, engine)
  await runSamples(context.api, samples)
  sayHowToGoOn(context, samples)
  if (engine === 'process') warn('Functions run WITHOUT ISOLATION here, as said above.')
}

function sayPackages(): void {
  step('Packages')
  if (process.env.PACKAGES_INSTALLED_NOW) done('installed')
  else skipped('they match package-lock.json')
}

async function ensureServer(context: Context, engine: Engine): Promise<void> {
  step('Server')
  const { settings, api } = context
  const version = serverVersion(engine)
  if (await api.isReady()) {
    await refuseStranger(api)
    if (!(await stopOutdated(settings, version))) return skipped(`it answers at ${api.url}`)
  }
  await refuseTakenPort(settings)
  const env = { TAIBAI_ENGINE: engine, TAIBAI_DATA_DIR: settings.dataDir }
  const pid = await startServer({ dataDir: settings.dataDir, version, env, isReady: api.isReady })
  done(`started at ${api.url} (process ${pid}, log ${serverFiles(settings.dataDir).log})`)
}

async function refuseStranger(api: Api): Promise<void> {
  if (await api.knowsUs()) return
  throw new SetupProblem(
    `Something else answers at ${api.url}, or a Taibai with another data folder. Stop it, or choose another port with TAIBAI_PORT.`,
  )
}

/** A server that we started from other sources, or with another engine, makes way for the one that is wanted now. */
async function stopOutdated(settings: Config, version: string): Promise<boolean> {
  const pid = findServer(settings.dataDir)
  if (pid === undefined || startedVersion(settings.dataDir) === version) return false
  detail('its source or its engine has changed: restarting it')
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

function sayHowToGoOn({ settings, api }: Context, samples: Sample[]): void {
  const token = `$(cat ${settings.dataDir}/admin.token)`
  console.log(`
Taibai is running at ${api.url}
  the admin token    ${settings.dataDir}/admin.token
  call a function    curl -H "X-Auth-Token: ${token}" -d '{"name": "you"}' ${api.url}/fn/${samples[0]?.name}
  the API            ${api.url}/openapi.json
  stop it            npm run down`)
}

await runCommand(main)
