import { mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import { refuseLostCatalogue } from '../../src/store/data-folder.ts'
import { Database } from '../../src/store/database.ts'
import { SqliteLedger } from '../../src/store/ledger.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { TokenRows } from '../../src/store/tokens.ts'
import { aToken } from '../support/builders.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('packages without the catalogue that names them', () => {
  const catalogue = () => join(folder, 'taibai.db')
  const withPackages = (count: number) => {
    for (let n = 0; n < count; n++) mkdirSync(join(folder, 'packages', String(n).repeat(64)), { recursive: true })
  }

  it('are a refusal to start that says what to do, and nothing is touched', () => {
    withPackages(3)
    expect(() => refuseLostCatalogue(folder)).toThrow(
      /taibai\.db is missing, but there are 3 packages.*restore.*backup/,
    )
    writeFileSync(catalogue(), '')
    expect(() => refuseLostCatalogue(folder)).toThrow(/taibai\.db is empty/)
    expect(readdirSync(join(folder, 'packages'))).toHaveLength(3)
  })

  it('are no matter when there are none, or when the catalogue is there', () => {
    refuseLostCatalogue(folder)
    mkdirSync(join(folder, 'packages/.unfinished-1'), { recursive: true })
    refuseLostCatalogue(folder)
    withPackages(1)
    new Database(catalogue()).close()
    refuseLostCatalogue(folder)
  })
})

describe.each([
  ['catalogue', 'taibai.db', async (path: string) => new Database(path).close()],
  [
    'ledger',
    'ledger.db',
    async (path: string) => {
      const onFatal = (error: Error) => {
        throw error
      }
      await new SqliteLedger({ path, clock: systemClock, log: silentLog, onFatal }).end()
    },
  ],
])('the %s', (_what, name, open) => {
  const path = () => join(folder, name)

  /** Pages in the middle are overwritten, as by a disk that lies. */
  function damage(): void {
    const connection = openSqlite(path())
    connection.exec(`CREATE TABLE filler (a TEXT PRIMARY KEY, b TEXT)`)
    const insert = connection.prepare('INSERT INTO filler VALUES (?, ?)')
    for (let n = 0; n < 500; n++) insert.run(`${n}`, 'x'.repeat(500))
    connection.pragma('wal_checkpoint(TRUNCATE)')
    const bytes = (connection.pragma('page_count', { simple: true }) as number) * 4096
    connection.close()
    writeSync(openSync(path(), 'r+'), Buffer.alloc(40_000, 7), 0, 40_000, bytes - 60_000)
  }

  it('that is damaged is a refusal to start with the remedy', async () => {
    await open(path())
    damage()
    await expect(open(path())).rejects.toThrow(/is damaged .*restore it from a backup/s)
  })

  it('that is no database at all is one, too', async () => {
    writeFileSync(path(), 'not a database at all, but some text. '.repeat(100))
    await expect(open(path())).rejects.toThrow(/is damaged \(file is not a database\): restore it from a backup/)
  })

  it('that lost its end is one, too', async () => {
    await open(path())
    damage()
    truncateSync(path(), 20_000)
    await expect(open(path())).rejects.toThrow(/damaged/)
  })

  it('that a newer program wrote is refused, and stays as it is', async () => {
    await open(path())
    const connection = openSqlite(path())
    connection.prepare('INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)').run('new', 9e12)
    connection.exec('CREATE TABLE of_tomorrow (a)')
    connection.close()
    await expect(open(path())).rejects.toThrow(/was written by a newer Taibai: start that version, or restore a backup/)
    const after = openSqlite(path())
    expect(after.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'of_tomorrow'").pluck().get()).toBe(1)
    after.close()
  })

  it('that is sound opens again', async () => {
    await open(path())
    await open(path())
  })
})

it('a catalogue keeps what was written through the check', () => {
  const path = join(folder, 'taibai.db')
  const first = new Database(path)
  const token = aToken()
  new TokenRows(first).insert(token)
  first.close()
  const second = new Database(path)
  expect(new TokenRows(second).list()).toEqual([token])
  second.close()
})
