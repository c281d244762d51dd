import { createHash } from 'node:crypto'
import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'

export type Connection = Sqlite.Database

let nativeBinding: object | undefined

/**
 * Sets the path of SQLite's add-on, when its package does not find it. Call it once per thread, before anything is opened. Throws
 * an Error with a sentence when the system refuses to load it.
 */
export function useAddon(path: string): void {
  const loaded = { exports: {} }
  try {
    process.dlopen(loaded, path)
  } catch (cause) {
    throw new Error(
      `${path} cannot be loaded (${(cause as Error).message}): set TAIBAI_CACHE_DIR to a folder where programs are allowed.`,
      { cause },
    )
  }
  nativeBinding = loaded.exports
}

/** Opens as better-sqlite3 does, with that add-on. */
export const openRaw = (path: string, options: Sqlite.Options = {}): Connection =>
  new Sqlite(path, nativeBinding === undefined ? options : { ...options, nativeBinding: nativeBinding as never })

/** A migration as `npm run db:generate` embeds it. */
export interface Migration {
  tag: string
  when: number
  sql: string
}

export interface OpenOptions {
  /** True makes a new file shrinkable; an existing file is unchanged. */
  givesSpaceBack?: boolean
}

/**
 * Opens a connection with the settings that all our connections share; only the owner can read the file. Throws an Error with a
 * sentence when the file cannot be used.
 */
export function openSqlite(path: string, busyTimeoutMs = 5000, how: OpenOptions = {}): Connection {
  try {
    return open(path, busyTimeoutMs, how)
  } catch (cause) {
    const { message, code } = cause as Error & { code?: string }
    const isDamaged = code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT'
    const why = isDamaged ? `is damaged (${message}): restore it from a backup` : `cannot be used: ${message}`
    throw new Error(`The database ${path} ${why}.`, { cause })
  }
}

function open(path: string, busyTimeoutMs: number, { givesSpaceBack = false }: OpenOptions): Connection {
  if (path !== ':memory:') makeFile(path)
  const connection = openRaw(path)
  connection.pragma(`busy_timeout = ${busyTimeoutMs}`)
  // Must be set on a new file, before it has tables.
  if (givesSpaceBack) connection.pragma('auto_vacuum = INCREMENTAL')
  connection.pragma('journal_mode = WAL')
  connection.pragma('synchronous = FULL')
  connection.pragma('foreign_keys = ON')
  connection.pragma('journal_size_limit = 67108864')
  return connection
}

/** Throws an Error with a sentence when the file is damaged or not a database. */
export function quickCheck(path: string): void {
  const connection = openSqlite(path)
  try {
    const found = connection.pragma('quick_check(1)', { simple: true })
    if (found !== 'ok') throw new Error(`The database ${path} is damaged: ${found}.`)
  } finally {
    connection.close()
  }
}

/** SQLite gives its -wal and -shm files the mode of the database. */
function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
}

/** Checks the file's integrity before it is used. Throws an Error with a sentence and advice. */
export function checkSound(connection: Connection, remedy: string): void {
  const found = damageIn(connection)
  if (found === null) return
  connection.close()
  throw new Error(`The database ${connection.name} is damaged (${found}): ${remedy}.`)
}

/** Null: none. Reads the whole file, a gigabyte in one or two seconds; larger files are skipped. */
function damageIn(connection: Connection): string | null {
  if (connection.memory) return null
  try {
    const bytes = statSync(connection.name).size
    if (bytes > mostCheckedBytes) return null
    const found = connection.pragma('quick_check(1)', { simple: true })
    return found === 'ok' ? null : String(found)
  } catch (error) {
    return (error as Error).message
  }
}

const mostCheckedBytes = 512 * 1024 * 1024

const isNewer = (path: string): Error =>
  new Error(
    `The database ${path} was written by a newer Taibai: start that version, or restore a backup that this version made.`,
  )

/**
 * Runs new migrations, each in a transaction, and keeps drizzle's own table for its tools. When the database has migrations that
 * this program does not know, it changes nothing and throws an Error with a sentence.
 */
export function migrate(connection: Connection, migrations: Migration[]): void {
  connection.exec(
    'CREATE TABLE IF NOT EXISTS __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)',
  )
  const last = connection.prepare('SELECT max(created_at) FROM __drizzle_migrations').pluck().get() as number | null
  const note = connection.prepare('INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)')
  const run = connection.transaction(({ sql, when }: Migration) => {
    connection.exec(sql)
    note.run(createHash('sha256').update(sql).digest('hex'), when)
  })
  if (last !== null && last > (migrations.at(-1)?.when ?? 0)) throw isNewer(connection.name)
  for (const migration of migrations) if (migration.when > (last ?? 0)) run.immediate(migration)
}
