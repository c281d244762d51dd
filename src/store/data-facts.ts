import { existsSync, readdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseFacts, DataFacts } from '../domain/platform/data-facts.ts'
import { cataloguePath, ledgerPath } from './backup-layout.ts'
import { openRaw } from './sqlite.ts'

/** Permissions of other users are reported only for these names, which only the owner may read. */
const closedNames = ['.', cataloguePath, ledgerPath, 'admin.token', 'secret.key', 'registries.json', 'backups']

/**
 * `checksDatabases`: reads the databases completely, about a second per gigabyte. Changes nothing, so it may run beside a server.
 */
export function readDataFacts(path: string, reserveBytes: number, { checksDatabases = false } = {}): DataFacts {
  const isOpen = (name: string): boolean =>
    existsSync(join(path, name)) && (statSync(join(path, name)).mode & 0o077) !== 0
  return {
    path,
    ...diskSpace(path),
    reserveBytes,
    databases: [cataloguePath, ledgerPath]
      .filter((name) => existsSync(join(path, name)))
      .map((name) => databaseFacts(path, name, checksDatabases)),
    exposed: closedNames.filter(isOpen).map((name) => join(path, name)),
  }
}

export function diskSpace(path: string): Pick<DataFacts, 'freeBytes' | 'totalBytes'> {
  const { bavail, blocks, bsize } = statfsSync(path)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

function databaseFacts(folder: string, name: string, isChecked: boolean): DatabaseFacts {
  const own = readdirSync(folder).filter((file) => file === name || file === `${name}-wal`)
  const sizeBytes = own.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0)
  return { name, sizeBytes, ...(isChecked && { damage: damageOf(join(folder, name)) }) }
}

/** Null: none was found. */
function damageOf(file: string): string | null {
  try {
    const connection = openRaw(file, { readonly: true, fileMustExist: true })
    try {
      const found = connection.pragma('quick_check(1)', { simple: true })
      return found === 'ok' ? null : String(found)
    } finally {
      connection.close()
    }
  } catch (error) {
    return (error as Error).message
  }
}
