import { type Finding, ok, problem, warning } from './finding.ts'

/** The state of the data folder. */
export interface DataFacts {
  path: string
  /** Bytes that this user can still write to its disk. */
  freeBytes: number
  totalBytes: number
  /** Bytes that new data must leave free. */
  reserveBytes: number
  databases: DatabaseFacts[]
  /** Files and folders that users other than the owner may read or write. */
  exposed: string[]
}

export interface DatabaseFacts {
  name: string
  sizeBytes: number
  /** Damage in the file; null: none found; undefined: not checked. */
  damage?: string | null
}

/** Free space below this is reported. */
const littleFreeBytes = 2 * 1024 * 1024 * 1024

export function dataFindings({ path, freeBytes, totalBytes, reserveBytes, databases, exposed }: DataFacts): Finding[] {
  const space = `${sizeText(freeBytes)} of ${sizeText(totalBytes)} are free for ${path}.`
  const makeRoom =
    'Make room on that disk, keep fewer executions (TAIBAI_KEEP_EXECUTIONS_DAYS), or move the data folder.'
  const findings = [
    freeBytes < reserveBytes
      ? problem(
          'disk',
          `${space} TAIBAI_DISK_RESERVE_MB keeps ${sizeText(reserveBytes)}: nothing new is accepted.`,
          makeRoom,
        )
      : freeBytes < littleFreeBytes
        ? warning('disk', space, makeRoom)
        : ok('disk', space),
    exposed.length === 0
      ? ok('permissions', 'The data folder is closed to other users.')
      : problem(
          'permissions',
          `Other users may reach ${exposed.join(', ')}.`,
          `Close it to them: chmod go-rwx ${exposed.join(' ')}`,
        ),
  ]
  return [...findings, ...databases.map(databaseFinding)]
}

function databaseFinding({ name, sizeBytes, damage }: DatabaseFacts): Finding {
  const size = `${name} (${sizeText(sizeBytes)})`
  if (damage === undefined)
    return ok('databases', `${size} was sound when the server started, or is too large to be checked there.`)
  if (damage === null) return ok('databases', `${size} is sound.`)
  return problem('databases', `${size} is damaged: ${damage}.`, 'Stop the server and restore a backup: taibai restore.')
}

export const sizeText = (bytes: number): string =>
  bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(1)} GiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`
