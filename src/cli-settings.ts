import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { runtimesFolder } from './assets.ts'

/**
 * What the command line reads of the environment. Beside `config.ts`, because the rules of all settings take longer to make than a
 * command may take to answer: most machines set none of them.
 */

/** Of the settings that commands need, what holds where nothing is set. */
export const defaults = { host: '127.0.0.1', port: 7070, dataDir: 'data' } as const

/** Where the executable unpacks its files unless it is told. */
export const cacheFolderIn = (dataDir: string): string => join(dataDir, 'program')

/** What the command line reads beside the settings of the server of this machine. */
export const cliVariables = {
  TAIBAI_URL: 'Address of the server that commands ask.',
  TAIBAI_TOKEN: 'Token that commands send.',
  TAIBAI_CONTEXT: 'Name of the context that commands use; `taibai context list` shows them.',
  TAIBAI_CONFIG_DIR: 'Folder of the contexts; default: `taibai` in XDG_CONFIG_HOME or ~/.config.',
} as const

/** As `readConfig` reads them. */
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
  /** Address of the server of this machine. */
  localUrl: string
  localDataDir: string
}

/** Null: some are set, and have to be read by their rules. */
export function usualSettings(environment: NodeJS.ProcessEnv = process.env): ServerSettings | null {
  const isSet = (name: string) => name.startsWith('TAIBAI_') && environment[name] !== ''
  const others = Object.keys(environment).filter((name) => isSet(name) && !withoutRules.has(name))
  if (others.length > 0) return null
  const dataDir = resolve(environment.TAIBAI_DATA_DIR || defaults.dataDir)
  return { ...defaults, dataDir, runtimesDir: runtimesFolder(cacheFolderIn(dataDir)) }
}

const withoutRules = new Set([...Object.keys(cliVariables), 'TAIBAI_DATA_DIR'])

export function readCliSettings(server: ServerSettings, environment: NodeJS.ProcessEnv = process.env): CliSettings {
  const { host, port, dataDir, adminToken, runtimesDir } = server
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const address = isEverywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  const configHome = environment.XDG_CONFIG_HOME || join(environment.HOME || homeFolder(), '.config')
  return {
    url: environment.TAIBAI_URL || undefined,
    token: environment.TAIBAI_TOKEN || adminToken,
    context: environment.TAIBAI_CONTEXT || undefined,
    configDir: environment.TAIBAI_CONFIG_DIR || join(configHome, 'taibai'),
    runtimesDir,
    noColor: (environment.NO_COLOR ?? '') !== '',
    localUrl: `http://${address}:${port}`,
    localDataDir: dataDir,
  }
}

/** A user who is in no list of users has none. */
function homeFolder(): string {
  try {
    return homedir()
  } catch {
    return '/'
  }
}
