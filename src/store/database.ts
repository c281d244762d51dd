import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { mainMigrations } from './migrations/main/embedded.ts'
import { type Connection, checkSound, migrate, openSqlite } from './sqlite.ts'

/** taibai.db, opened and migrated. All operations are synchronous. */
export class Database {
  readonly orm: BetterSQLite3Database
  #connection: Connection

  /** `path` may be `:memory:`. */
  constructor(path: string) {
    this.#connection = openSqlite(path)
    checkSound(this.#connection, 'restore it from a backup; functions, versions, jobs and tokens are in it')
    migrate(this.#connection, mainMigrations)
    this.orm = drizzle(this.#connection)
  }

  /** Commits all of `act` or nothing. */
  transaction<T>(act: () => T): T {
    return this.#connection.transaction(act).immediate()
  }

  /** Copies consistently into a new file, in steps. */
  async copyTo(file: string): Promise<void> {
    await this.#connection.backup(file)
  }

  close(): void {
    this.#connection.close()
  }
}
