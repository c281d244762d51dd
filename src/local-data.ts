import { existsSync } from 'node:fs'
import { storeFiles, unpackAssets } from './assets.ts'
import type { LocalData } from './cli/command.ts'
import { readConfig } from './config.ts'
import { dataFindings } from './domain/platform/data-facts.ts'
import { ok } from './domain/platform/finding.ts'
import { storedCredentials } from './registry-credentials.ts'
import { restoreBackup } from './restore.ts'
import { readDataFacts } from './store/data-facts.ts'
import { readHistoryFile } from './store/ledger-history.ts'
import { useAddon } from './store/sqlite.ts'

const mib = 1024 * 1024

/** The command line's access to data folders of this machine, without a server. */
export const localData: LocalData = {
  async restore(file, dataDir) {
    readySqlite()
    return restoreBackup(file, dataDir)
  },

  async inspect(dataDir) {
    if (!existsSync(dataDir)) return [ok('disk', `There is no data folder ${dataDir} yet: the first start makes it.`)]
    readySqlite()
    return dataFindings(readDataFacts(dataDir, readConfig().diskReserveMb * mib, { checksDatabases: true }))
  },

  async credentials() {
    return storedCredentials(readConfig())
  },

  async history(ledgerFile, sinceMs) {
    if (!existsSync(ledgerFile)) throw new Error(`There is no file ${ledgerFile}.`)
    readySqlite()
    return readHistoryFile(ledgerFile, sinceMs)
  },
}

/** The executable contains SQLite's add-on, which must be unpacked to be loaded. */
function readySqlite(): void {
  const { cacheDir } = readConfig()
  unpackAssets(cacheDir)
  const { addon } = storeFiles(cacheDir)
  if (addon !== undefined) useAddon(addon)
}
