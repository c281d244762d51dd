import { createHash } from 'node:crypto'
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'

export type Connection = Sqlite.Database

/** A migration as `npm run db:generate` embeds it. */
export interface Migration {
  tag: string
  when: number
  sql: string
}

/**
 * A connection with the settings that every connection of ours has; the file is readable by its owner only. Throws an Error
 * with a sentence when the file cannot be used.
 */
export function openSqlite(path: string, busyTimeoutMs = 5000): Connection {
  try {
    return open(path, busyTimeoutMs)
  } catch (cause) {
    throw new Error(`The database ${path} cannot be used: ${(cause as Error).message}.`, { cause })
  }
}

function open(path: string, busyTimeoutMs: number): Connection {
  if (path !== ':memory:') makeFile(path)
  const connection = new Sqlite(path)
  connection.pragma(`busy_timeout = ${busyTimeoutMs}`)
  connection.pragma('journal_mode = WAL')
  connection.pragma('synchronous = FULL')
  connection.pragma('foreign_keys = ON')
  connection.pragma('journal_size_limit = 67108864')
  return connection
}

/** Throws an Error with a sentence when the file is damaged or is no database. */
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

/** Runs what is new, each in a transaction; keeps drizzle's own table, so that its tools recognise the work. */
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
  for (const migration of migrations) if (migration.when > (last ?? 0)) run.immediate(migration)
}
