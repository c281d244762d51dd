import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CliSettings, urlOnThisMachine } from '../../cli-settings.ts'
import { makeFolder } from '../../folder.ts'

/**
 * Where the server of this machine is, as this user's last `taibai up` or `taibai service install` left it. Commands find it so
 * from every folder, although the default data folder is `data` in the current one.
 */

export interface LocalServer {
  host: string
  port: number
  dataDir: string
}

const fileOf = (configDir: string): string => join(configDir, 'local.json')

/** Null: none is known, or its data folder is gone. */
export function readLocalServer(configDir: string): LocalServer | null {
  try {
    const { host, port, dataDir }: LocalServer = JSON.parse(readFileSync(fileOf(configDir), 'utf8'))
    return existsSync(dataDir) ? { host, port, dataDir } : null
  } catch {
    return null
  }
}

/** Writes atomically. Where the folder cannot be written, such as a home that is read-only, nothing is remembered. */
export function rememberLocalServer(configDir: string, { host, port, dataDir }: LocalServer): void {
  const file = fileOf(configDir)
  try {
    makeFolder(configDir, 0o700)
    writeFileSync(`${file}.new`, `${JSON.stringify({ host, port, dataDir })}\n`, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  } catch {
    // Commands in other folders then need TAIBAI_DATA_DIR.
  }
}

/** The settings with the remembered server, where nothing else says which server of this machine is meant. */
export function withLocalServer(settings: CliSettings): CliSettings {
  const last = settings.isLocalNamed ? null : readLocalServer(settings.configDir)
  if (last === null) return settings
  const { host, port, dataDir } = last
  const localVariables = { TAIBAI_HOST: host, TAIBAI_PORT: String(port), TAIBAI_DATA_DIR: dataDir }
  return { ...settings, localUrl: urlOnThisMachine(last), localDataDir: dataDir, localVariables }
}
