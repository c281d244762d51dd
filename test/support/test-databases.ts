import { sql } from 'drizzle-orm'
import { onTestFinished, TestRunner } from 'vitest'
import { Database } from '../../src/store/database.ts'
import { makeStores, type Stores } from '../../src/wiring/stores.ts'

/** The contents of taibai.db in memory: empty, as after the migrations. */
export interface TestDatabase {
  database: Database
  stores: Stores
}

/**
 * Used again by later tests of the process: to migrate and to prepare the statements takes longer than most tests. Each rests
 * while so many others come and go that nothing that its test left running writes to it any more.
 */
const resting: TestDatabase[] = []
const restLength = 12

/** Outside of a test, one that nobody has after it. */
export function testDatabase(): TestDatabase {
  if (TestRunner.getCurrentTest() === undefined) return made()
  const rested = resting.length > restLength ? resting.shift() : undefined
  const taken = rested === undefined ? made() : emptied(rested)
  onTestFinished(() => {
    resting.push(taken)
  })
  return taken
}

function made(): TestDatabase {
  const database = new Database(':memory:')
  return { database, stores: makeStores(database) }
}

function emptied(taken: TestDatabase): TestDatabase {
  const { database, stores } = taken
  // What a test put in a method’s place.
  for (const store of Object.values(stores)) for (const key of Object.keys(store)) Reflect.deleteProperty(store, key)
  const tables = database.orm.all<{ name: string }>(sql`SELECT name FROM sqlite_schema WHERE type = 'table'`)
  database.transaction(() => {
    database.orm.run(sql`PRAGMA defer_foreign_keys = ON`)
    for (const { name } of tables) if (name !== '__drizzle_migrations') database.orm.run(sql.raw(`DELETE FROM ${name}`))
  })
  return taken
}
