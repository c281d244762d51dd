import { and, asc, eq } from 'drizzle-orm'
import type { StoredTrigger, TriggerStore } from '../domain/triggers/trigger.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import type { jobs, sources, webhooks } from './schema.ts'

/** A table with triggers of this kind. */
type TableOf<Trigger> = (typeof jobs | typeof sources | typeof webhooks) & { $inferSelect: Trigger }

/** The statements on such a table. */
interface Statements<Trigger> {
  insert: { run(row: Trigger): unknown }
  update: { run(row: Trigger): unknown }
  delete: { run(key: { id: string }): { changes: number } }
  find: { get(key: { id: string }): Trigger | undefined }
  list: { all(): Trigger[] }
  listOfProject: { all(key: { projectId: string }): Trigger[] }
  listOfFunction: { all(key: { functionId: string }): Trigger[] }
  listOfAlias: { all(key: { projectId: string; functionAlias: string }): Trigger[] }
}

/** The rows of one kind of trigger. */
export class TriggerRows<Trigger extends StoredTrigger> implements TriggerStore<Trigger> {
  #statements: Statements<Trigger>

  constructor(database: Database, table: TableOf<Trigger>) {
    // Drizzle types statements by table: here by the columns that all triggers share, while rows are complete.
    this.#statements = prepare(database.orm, table as typeof webhooks) as unknown as Statements<Trigger>
  }

  insert(trigger: Trigger): void {
    runWrite(() => this.#statements.insert.run(trigger))
  }

  update(trigger: Trigger): void {
    runWrite(() => this.#statements.update.run(trigger))
  }

  delete(id: string): boolean {
    return runWrite(() => this.#statements.delete.run({ id }).changes > 0)
  }

  find(id: string): Trigger | null {
    return this.#statements.find.get({ id }) ?? null
  }

  list(projectId: string | null): Trigger[] {
    const { list, listOfProject } = this.#statements
    return projectId === null ? list.all() : listOfProject.all({ projectId })
  }

  listOfFunction(functionId: string): Trigger[] {
    return this.#statements.listOfFunction.all({ functionId })
  }

  listOfAlias(projectId: string, alias: string): Trigger[] {
    return this.#statements.listOfAlias.all({ projectId, functionAlias: alias })
  }
}

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
