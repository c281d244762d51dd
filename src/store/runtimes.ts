import { asc, eq } from 'drizzle-orm'
import type { Runtime, RuntimeStore } from '../domain/functions/runtime.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { runtimes } from './schema.ts'

export class RuntimeRows implements RuntimeStore {
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#statements = prepare(database.orm)
  }

  insert(runtime: Runtime): void {
    runWrite(() => this.#statements.insert.run({ ...runtime }))
  }

  update(runtime: Runtime): void {
    runWrite(() => this.#statements.update.run({ ...runtime }))
  }

  delete(id: string): boolean {
    return runWrite(() => this.#statements.delete.run({ id }).changes > 0)
  }

  find(id: string): Runtime | null {
    return this.#statements.find.get({ id }) ?? null
  }

  list(): Runtime[] {
    return this.#statements.list.all()
  }
}

function prepare(orm: Database['orm']) {
  const all = placeholders(runtimes)
  const byId = eq(runtimes.id, all.id)
  return {
    insert: orm.insert(runtimes).values(all).prepare(),
    update: orm.update(runtimes).set(all).where(byId).prepare(),
    delete: orm.delete(runtimes).where(byId).prepare(),
    find: orm.select().from(runtimes).where(byId).prepare(),
    list: orm.select().from(runtimes).orderBy(asc(runtimes.createdAt), asc(runtimes.id)).prepare(),
  }
}
