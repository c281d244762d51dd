import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'

/** A placeholder for each column of a table, named by its key: a statement prepared with them takes a domain value. */
export function placeholders<T extends SQLiteTable>(table: T): { [K in keyof T['_']['columns']]: SQL } {
  const keys = Object.keys(getTableColumns(table))
  // Cast to SQL because the types of `set` do not accept placeholders, although it handles them.
  const named = Object.fromEntries(keys.map((key) => [key, sql.placeholder(key)])) as unknown
  return named as { [K in keyof T['_']['columns']]: SQL }
}
