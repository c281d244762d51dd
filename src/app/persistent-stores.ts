import { join } from 'node:path'
import { version } from '../assets.ts'
import type { Config } from '../config.ts'
import { systemClock as clock } from '../domain/clock.ts'
import type { Log } from '../domain/runs/log.ts'
import { BackupFolder } from '../store/backups.ts'
import { type DataFolder, refuseLostCatalogue } from '../store/data-folder.ts'
import { Database } from '../store/database.ts'
import { DiskReserve } from '../store/disk-reserve.ts'
import { LayerFolder } from '../store/layers.ts'
import { SqliteLedger } from '../store/ledger.ts'
import type { WriterFiles } from '../store/ledger-queue.ts'
import { PackageFolder } from '../store/packages.ts'
import { layerLimits, packageLimits, reserveBytes } from '../wiring/settings.ts'
import { makeStores } from '../wiring/stores.ts'

const dayMs = 86_400_000

/** The persistent stores: both databases and the packages. */
export async function openPersistentStores(
  config: Config,
  data: DataFolder,
  files: WriterFiles,
  log: Log,
  onFatal: (error: Error) => void,
) {
  refuseLostCatalogue(data.path)
  const database = new Database(join(data.path, 'taibai.db'))
  const space = new DiskReserve({ folder: data.path, reserveBytes: reserveBytes(config), clock, log })
  const ledger = new SqliteLedger({ path: join(data.path, 'ledger.db'), clock, log, onFatal, files, space })
  const limits = packageLimits(config)
  const packages = await PackageFolder.open({
    folder: join(data.path, 'packages'),
    limits,
    keepUnusedMs: config.keepUnusedPackagesDays * dayMs,
    space,
    clock,
  })
  const layers = await LayerFolder.open({
    ...layerLimits(config),
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
      withoutRemovals: (work) => packages.withoutRemovals(work),
      version,
      now: clock.now,
    }),
    close: async () => {
      await ledger.end().finally(() => database.close())
    },
  }
}

export type PersistentStores = Awaited<ReturnType<typeof openPersistentStores>>
