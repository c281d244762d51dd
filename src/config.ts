import { delimiter } from 'node:path'
import type { z } from 'zod'
import { runtimesFolder } from './assets.ts'
import { cacheFolderIn, cliVariables } from './cli-settings.ts'
import { lastUid } from './settings/engine.ts'
import { settings, subjectOf } from './settings/settings.ts'

/** Reads the settings; the only reader of the environment. `settings/` has a row for each. */

export type Config = z.output<typeof settings> & {
  /** Environment variables of builds: those with the prefix TAIBAI_BUILD_ENV_, and the usual variables of package managers. */
  buildEnv: Record<string, string>
}

/** `maxLogBytes` → `TAIBAI_MAX_LOG_BYTES`. */
export const environmentName = (setting: string): string =>
  `TAIBAI_${setting.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`

/** Like `readConfig`, with `over` replacing variables of the environment. */
export const readConfigWith = (over: Record<string, string>): Config => readConfig({ ...process.env, ...over })

/** Throws an Error whose message has a line for each invalid setting. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const given: Record<string, string> = {}
  for (const setting of Object.keys(settings.shape)) {
    const value = environment[environmentName(setting)]
    if (value !== undefined && value !== '') given[setting] = value
  }
  const unknown = Object.keys(environment).filter((name) => name.startsWith('TAIBAI_') && !isKnown(name))
  const parsed = settings.safeParse(given)
  const wrong = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${environmentName(String(issue.path[0]))}: ${issue.message}`)
  wrong.push(...unknown.map((name) => `${name}: there is no such setting`))
  if (!parsed.success || wrong.length > 0) throw new Error(`Settings that cannot be used:\n  ${wrong.join('\n  ')}`)
  refuseOpenDoors(parsed.data)
  refuseUsersBeyond(parsed.data)
  const cacheDir = parsed.data.cacheDir || cacheFolderIn(parsed.data.dataDir)
  const runtimesDir = parsed.data.runtimesDir || runtimesFolder(cacheDir)
  const dockerHost = parsed.data.dockerHost ?? environment.DOCKER_HOST
  return { ...parsed.data, cacheDir, runtimesDir, dockerHost, buildEnv: readBuildEnvironment(environment) }
}

const buildPrefix = 'TAIBAI_BUILD_ENV_'
/** Variables of the server's environment that tell package managers about mirrors and proxies. */
const passedToBuilds =
  /^(https?_proxy|no_proxy|npm_config_registry|pip_(extra_)?index_url|uv_(default_index|index)|yarn_npm_registry_server)$/i

function readBuildEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const given = Object.entries(environment).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '')
  const passed = given.filter(([name]) => passedToBuilds.test(name))
  const named = given
    .filter(([name]) => name.startsWith(buildPrefix))
    .map(([name, value]): [string, string] => [name.slice(buildPrefix.length), value])
  return Object.fromEntries([...passed, ...named])
}

/** The effective settings for admins: without secrets, and without passwords in URLs. */
export function settingsInEffect(config: Config, environment: NodeJS.ProcessEnv = process.env) {
  return Object.entries(settings.shape).map(([setting, schema]) => {
    const name = environmentName(setting)
    const isSecret = schema.meta()?.secret === true
    const value = isSecret ? null : textOf(config[setting as keyof Config])
    const about = schema.description ?? ''
    return { name, subject: subjectOf(setting), about, value, isSecret, isGiven: (environment[name] ?? '') !== '' }
  })
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === '') return null
  if (Array.isArray(value)) return value.length === 0 ? null : value.join(',')
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([name, number]) => `${name}=${number ?? 'none'}`)
      .join(',')
  }
  return String(value).replace(/^(\w+:\/\/)[^/@]+@/, '$1…@')
}

/** Facts about this machine from the environment, in addition to the settings, for preparing a host. */
export interface HostEnvironment {
  /** True when the engine's address is set. */
  engineIsChosen: boolean
  /** Files with certificate authorities that are trusted in addition to the system's. */
  certificateFiles: string[]
  /** Folders of the PATH. */
  searchPath: string[]
  /** Socket of the service manager; undefined: none. */
  notifySocket: string | undefined
  /** Proxies of this user, by variable name. */
  proxies: Record<string, string>
  /** Watchdog interval of the service manager in ms; undefined: none. */
  watchdogMs: number | undefined
}

export function readHostEnvironment(environment: NodeJS.ProcessEnv = process.env): HostEnvironment {
  const { SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, NOTIFY_SOCKET, WATCHDOG_USEC, PATH = '' } = environment
  const isGiven = (text: string | undefined): text is string => text !== undefined && text !== ''
  return {
    engineIsChosen: isGiven(environment.TAIBAI_DOCKER_HOST) || isGiven(environment.DOCKER_HOST),
    certificateFiles: [...new Set([SSL_CERT_FILE, NODE_EXTRA_CA_CERTS])].filter(isGiven),
    searchPath: PATH.split(delimiter).filter(isGiven),
    notifySocket: NOTIFY_SOCKET || undefined,
    proxies: proxiesOf(environment),
    watchdogMs: Number(WATCHDOG_USEC) > 0 ? Number(WATCHDOG_USEC) / 1000 : undefined,
  }
}

function proxiesOf(environment: NodeJS.ProcessEnv): Record<string, string> {
  const given = Object.entries(environment).filter(([name, value]) => /^https?_proxy$/i.test(name) && value)
  return Object.fromEntries(given) as Record<string, string>
}

/** Variables that other programs of this project read (scripts for tests and set-up) are accepted too. */
const isKnown = (name: string): boolean =>
  name.startsWith('TAIBAI_TEST_') ||
  name.startsWith(buildPrefix) ||
  name === 'TAIBAI_REQUIRE_DOCKER' ||
  // Set for functions that may call the API.
  name === 'TAIBAI_API' ||
  name in cliVariables ||
  Object.keys(settings.shape).some((setting) => environmentName(setting) === name)

function refuseUsersBeyond({ workerUid, workerUids }: z.output<typeof settings>): void {
  if (workerUid + workerUids - 1 <= lastUid) return
  throw new Error(
    `TAIBAI_WORKER_UIDS: ${workerUids} user ids from ${workerUid} on exceed the highest possible user id, ${lastUid}: make one of the two smaller.`,
  )
}

/** Both would let anybody who reaches the port run code. */
function refuseOpenDoors(config: z.output<typeof settings>): void {
  const isLoopback = /^(127\.|::1$|localhost$)/.test(config.host)
  if (isLoopback || config.iKnowThisIsOpen) return
  const why =
    config.auth === 'none'
      ? 'Without authentication, everybody'
      : 'The process engine isolates nothing: whoever has a token'
  if (config.auth === 'none' || config.engine === 'process') {
    throw new Error(
      `${why} could run code as this user from ${config.host}. Listen on 127.0.0.1, or say TAIBAI_I_KNOW_THIS_IS_OPEN=1 if you mean it.`,
    )
  }
}
