import { desc, lt, lte, sql } from 'drizzle-orm'
import type { AuditEntry, AuditStore } from '../domain/platform/audit.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { audit } from './schema.ts'

/** Sorts after every id, because ids begin with hexadecimal digits. */
const afterAll = '~'

export class AuditRows implements AuditStore {
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#statements = prepare(database.orm)
  }

  insert(entry: AuditEntry): void {
    runWrite(() => this.#statements.insert.run({ ...entry }))
  }

  list(limit: number, before: string | null): AuditEntry[] {
    return this.#statements.list.all({ limit, id: before ?? afterAll })
  }

  prune(olderThanMs: number, keep: number): number {
    return runWrite(() => {
      const old = this.#statements.deleteOld.run({ at: olderThanMs }).changes
      const last = this.#statements.nth.get({ at: keep })
      return old + (last === undefined ? 0 : this.#statements.deleteUpTo.run({ id: last.id }).changes)
    })
  }
}

function prepare(orm: Database['orm']) {
  const all = placeholders(audit)
  const newestFirst = desc(audit.id)
  return {
    insert: orm.insert(audit).values(all).prepare(),
    list: orm
      .select()
      .from(audit)
      .where(lt(audit.id, all.id))
      .orderBy(newestFirst)
      .limit(sql.placeholder('limit'))
      .prepare(),
    deleteOld: orm.delete(audit).where(lt(audit.at, all.at)).prepare(),
    nth: orm.select({ id: audit.id }).from(audit).orderBy(newestFirst).limit(1).offset(sql.placeholder('at')).prepare(),
    deleteUpTo: orm.delete(audit).where(lte(audit.id, all.id)).prepare(),
  }
}
