import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { runtimesFolder } from './assets.ts'

/**
 * The environment variables of the command line. They are separate from `config.ts`, because building the schema of all settings
 * takes longer than a command should take, and most machines set none of them.
 */

/** Defaults of the settings that commands need. */
export const defaults = { host: '127.0.0.1', port: 7070, dataDir: 'data' } as const

/** Default folder into which the executable unpacks its files. */
export const cacheFolderIn = (dataDir: string): string => join(dataDir, 'program')

/** Variables of the command line in addition to the server's settings. */
export const cliVariables = {
  TAIBAI_URL: 'Address of the server that commands use.',
  TAIBAI_TOKEN: 'Token that commands send.',
  TAIBAI_CONTEXT: 'Name of the context that commands use; `taibai context list` shows them.',
  TAIBAI_CONFIG_DIR:
    "Folder of the contexts and of the local server's location; default: `taibai` in XDG_CONFIG_HOME or ~/.config.",
} as const

/** The same values as from `readConfig`. */
export interface ServerSettings {
  host: string
  port: number
  dataDir: string
  adminToken?: string | undefined
  runtimesDir: string
}

export interface CliSettings {
  url: string | undefined
  token: string | undefined
  context: string | undefined
  configDir: string
  runtimesDir: string
  noColor: boolean
  /** URL of the server on this machine. */
  localUrl: string
  localDataDir: string
  /** Variables that name that server, if it was found by the record of its last start. */
  localVariables: Record<string, string>
  /** The environment names that server, or the current folder has its data. */
  isLocalNamed: boolean
}

/** Null: some settings are set and need `readConfig`. */
export function defaultServerSettings(environment: NodeJS.ProcessEnv = process.env): ServerSettings | null {
  const isSet = (name: string) => name.startsWith('TAIBAI_') && environment[name] !== ''
  const others = Object.keys(environment).filter((name) => isSet(name) && !withoutRules.has(name))
  if (others.length > 0) return null
  const dataDir = resolve(environment.TAIBAI_DATA_DIR || defaults.dataDir)
  return { ...defaults, dataDir, runtimesDir: runtimesFolder(cacheFolderIn(dataDir)) }
}

const withoutRules = new Set([...Object.keys(cliVariables), 'TAIBAI_DATA_DIR'])

export function readCliSettings(server: ServerSettings, environment: NodeJS.ProcessEnv = process.env): CliSettings {
  const { dataDir, adminToken, runtimesDir } = server
  const configHome = environment.XDG_CONFIG_HOME || join(environment.HOME || homeFolder(), '.config')
  return {
    url: environment.TAIBAI_URL || undefined,
    token: environment.TAIBAI_TOKEN || adminToken,
    context: environment.TAIBAI_CONTEXT || undefined,
    configDir: environment.TAIBAI_CONFIG_DIR || join(configHome, 'taibai'),
    runtimesDir,
    noColor: (environment.NO_COLOR ?? '') !== '',
    localUrl: urlOnThisMachine(server),
    localDataDir: dataDir,
    localVariables: {},
    isLocalNamed: placeVariables.some((name) => environment[name]) || existsSync(join(dataDir, 'taibai.db')),
  }
}

const placeVariables = ['TAIBAI_DATA_DIR', 'TAIBAI_HOST', 'TAIBAI_PORT']

export function urlOnThisMachine({ host, port }: Pick<ServerSettings, 'host' | 'port'>): string {
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const address = isEverywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `http://${address}:${port}`
}

/** A user without an entry in the user database has none. */
function homeFolder(): string {
  try {
    return homedir()
  } catch {
    return '/'
  }
}

/** A variable of the user's own, such as `${env:NAME}` in `serverless.yml`. */
export const userVariable = (name: string): string | undefined => process.env[name]
