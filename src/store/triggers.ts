import { and, asc, eq } from 'drizzle-orm'
import type { StoredTrigger, TriggerStore } from '../domain/trigger.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { written } from './refusals.ts'
import type { jobs, sources, webhooks } from './schema.ts'

type TriggerTable = typeof jobs | typeof sources | typeof webhooks

/** The rows of one kind of trigger. */
export class TriggerRows<T extends StoredTrigger> implements TriggerStore<T> {
  #statements: ReturnType<typeof prepare>

  constructor(database: Database, table: TriggerTable) {
    this.#statements = prepare(database.orm, table as typeof webhooks)
  }

  insert(trigger: T): void {
    written(() => this.#statements.insert.run({ ...(trigger as StoredTrigger) }))
  }

  update(trigger: T): void {
    written(() => this.#statements.update.run({ ...(trigger as StoredTrigger) }))
  }

  delete(id: string): boolean {
    return written(() => this.#statements.delete.run({ id }).changes > 0)
  }

  find(id: string): T | null {
    return rowOf<T>(this.#statements.find.get({ id }) ?? null)
  }

  list(projectId: string | null): T[] {
    const { list, listOfProject } = this.#statements
    return rowOf<T[]>(projectId === null ? list.all() : listOfProject.all({ projectId }))
  }

  listOfFunction(functionId: string): T[] {
    return rowOf<T[]>(this.#statements.listOfFunction.all({ functionId }))
  }

  listOfAlias(projectId: string, alias: string): T[] {
    return rowOf<T[]>(this.#statements.listOfAlias.all({ projectId, functionAlias: alias }))
  }
}

/** The table's own columns are those of `T`: the statements are typed by the columns that all triggers have. */
const rowOf = <R>(row: unknown): R => row as R

function prepare(orm: Database['orm'], table: typeof webhooks) {
  const all = placeholders(table)
  const byId = eq(table.id, all.id)
  const ofProject = eq(table.projectId, all.projectId)
  const select = () => orm.select().from(table)
  const inOrder = [asc(table.createdAt), asc(table.id)]
  return {
    insert: orm.insert(table).values(all).prepare(),
    update: orm.update(table).set(all).where(byId).prepare(),
    delete: orm.delete(table).where(byId).prepare(),
    find: select().where(byId).prepare(),
    list: select()
      .orderBy(...inOrder)
      .prepare(),
    listOfProject: select()
      .where(ofProject)
      .orderBy(...inOrder)
      .prepare(),
    listOfFunction: select()
      .where(eq(table.functionId, all.functionId))
      .orderBy(...inOrder)
      .prepare(),
    listOfAlias: select()
      .where(and(ofProject, eq(table.functionAlias, all.functionAlias)))
      .orderBy(...inOrder)
      .prepare(),
  }
}
