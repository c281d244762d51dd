import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { getTableColumns } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { migrate as drizzleMigrate } from 'drizzle-orm/better-sqlite3/migrator'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Database } from '../../src/store/database.ts'
import { countSql, insertSql } from '../../src/store/ledger-rows.ts'
import { counters, executions } from '../../src/store/ledger-schema.ts'
import { ledgerMigrations } from '../../src/store/migrations/ledger/embedded.ts'
import { mainMigrations } from '../../src/store/migrations/main/embedded.ts'
import { type Connection, type Migration, migrate, openSqlite } from '../../src/store/sqlite.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'database-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const root = join(import.meta.dirname, '../..')
const filesOf = (name: string) => join(root, 'src/store/migrations', name)
const tables = (connection: Connection): unknown[] =>
  connection
    .prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY name")
    .all()
const noted = (connection: Connection): unknown[] => connection.prepare('SELECT * FROM __drizzle_migrations').all()

describe.each<[string, Migration[]]>([
  ['main', mainMigrations],
  ['ledger', ledgerMigrations],
])('the migrations of the %s database', (name, migrations) => {
  it('run from empty, and a second time do nothing', () => {
    const connection = openSqlite(':memory:')
    migrate(connection, migrations)
    const before = [tables(connection), noted(connection)]
    migrate(connection, migrations)
    expect([tables(connection), noted(connection)]).toEqual(before)
    expect(noted(connection)).toHaveLength(migrations.length)
    connection.close()
  })

  it("are those of drizzle's own runner, which finds nothing left to do", () => {
    const [ours, theirs] = [openSqlite(':memory:'), openSqlite(':memory:')]
    migrate(ours, migrations)
    for (const connection of [ours, theirs]) drizzleMigrate(drizzle(connection), { migrationsFolder: filesOf(name) })
    expect(tables(ours)).toEqual(tables(theirs))
    expect(noted(ours)).toEqual(noted(theirs))
    for (const connection of [ours, theirs]) connection.close()
  })

  it('are embedded as they are in their files', () => {
    const files = readdirSync(filesOf(name)).filter((file) => file.endsWith('.sql'))
    expect(migrations.map(({ tag }) => `${tag}.sql`)).toEqual(files)
    for (const { tag, sql } of migrations) expect(readFileSync(join(filesOf(name), `${tag}.sql`), 'utf8')).toBe(sql)
  })

  it('leave a database as it was when one fails', () => {
    const connection = openSqlite(':memory:')
    migrate(connection, migrations)
    const before = [tables(connection), noted(connection)]
    const broken = {
      tag: 'broken',
      when: Number.MAX_SAFE_INTEGER,
      sql: 'CREATE TABLE half (a); CREATE TABLE half (a);',
    }
    expect(() => migrate(connection, [...migrations, broken])).toThrow('already exists')
    expect([tables(connection), noted(connection)]).toEqual(before)
    connection.close()
  })
})

it.each([
  ['main', 'schema.ts'],
  ['ledger', 'ledger-schema.ts'],
])('the schema of the %s database has no change without a migration', (name, schema) => {
  const copy = join(folder, name)
  cpSync(filesOf(name), copy, { recursive: true })
  const place = ['--schema', `src/store/${schema}`, '--out', relative(root, copy)]
  const { stdout } = spawnSync(
    join(root, 'node_modules/.bin/drizzle-kit'),
    ['generate', '--dialect', 'sqlite', ...place],
    {
      cwd: root,
      encoding: 'utf8',
    },
  )
  expect(stdout).toContain('No schema changes')
})

it.each([
  ['executions', insertSql, executions],
  ['counters', countSql, counters],
])('the ledger writes every column of its %s', (_, sql, table) => {
  const written = /\(([^)]*)\)/.exec(sql)?.[1]?.split(/, ?/)
  const inSchema = Object.values(getTableColumns(table)).map(({ name }) => name)
  expect(written?.toSorted()).toEqual(inSchema.toSorted())
})

it('a database is readable by its owner only, and keeps what was written', () => {
  const path = join(folder, 'data/taibai.db')
  const database = new Database(path)
  expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700)
  for (const file of readdirSync(join(folder, 'data'))) {
    expect([file, statSync(join(folder, 'data', file)).mode & 0o777]).toEqual([file, 0o600])
  }
  database.close()
  new Database(path).close()
})

it('runs of an earlier program learn which trigger made them, from what they were described as', () => {
  const connection = openSqlite(':memory:')
  migrate(connection, ledgerMigrations.slice(0, 2))
  const insert = connection.prepare(
    `INSERT INTO executions (id, project_id, function_id, function_version, created_at, status, is_sync, trigger,
      input_kind, is_image_run, attempt, description, log) VALUES (?, 'p', 'f', 0, 1, 'success', 0, ?, 'none', 0, 1, ?, '')`,
  )
  const rows: [id: string, trigger: string, description: string | null, made: string | null][] = [
    ['a', 'job', 'Created by Job 0190a000-0000-7000-8000-000000000001', '0190a000-0000-7000-8000-000000000001'],
    ['b', 'webhook', 'Created by Webhook w1', 'w1'],
    ['c', 'event', 'Created by Source s1', 's1'],
    ['d', 'api', 'Created by Job j1', null],
    ['e', 'job', null, null],
    ['f', 'http', 'Created by Webhook w1', null],
  ]
  for (const [id, trigger, description] of rows) insert.run(id, trigger, description)
  migrate(connection, ledgerMigrations)
  const found = connection.prepare('SELECT trigger_id FROM executions ORDER BY id').pluck().all()
  expect(found).toEqual(rows.map(([, , , made]) => made))
  connection.close()
})

it('a connection writes ahead, syncs fully and minds foreign keys', () => {
  const connection = openSqlite(join(folder, 'some.db'))
  const settings = ['journal_mode', 'synchronous', 'foreign_keys'].map((name) =>
    connection.pragma(name, { simple: true }),
  )
  expect(settings).toEqual(['wal', 2, 1])
  connection.close()
})
