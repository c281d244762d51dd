import { asc, eq } from 'drizzle-orm'
import type { AccessKey, AccessKeyStore } from '../domain/platform/access-key.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { accessKeys } from './schema.ts'

export class AccessKeyRows implements AccessKeyStore {
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#statements = prepare(database.orm)
  }

  insert(key: AccessKey): void {
    runWrite(() => this.#statements.insert.run({ ...key }))
  }

  list(): AccessKey[] {
    return this.#statements.list.all()
  }

  delete(id: string): boolean {
    return runWrite(() => this.#statements.delete.run({ id }).changes > 0)
  }
}

function prepare(orm: Database['orm']) {
  const all = placeholders(accessKeys)
  return {
    insert: orm.insert(accessKeys).values(all).prepare(),
    delete: orm.delete(accessKeys).where(eq(accessKeys.id, all.id)).prepare(),
    list: orm.select().from(accessKeys).orderBy(asc(accessKeys.createdAt), asc(accessKeys.id)).prepare(),
  }
}
