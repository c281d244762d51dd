import { and, count, desc, eq, ne } from 'drizzle-orm'
import type { WhiskEntity, WhiskEntityStore, WhiskKind } from '../domain/functions/openwhisk.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { whiskEntities } from './schema.ts'

export class WhiskEntityRows implements WhiskEntityStore {
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#statements = prepare(database.orm)
  }

  find(projectId: string, kind: WhiskKind, name: string): WhiskEntity | null {
    return this.#statements.find.get({ projectId, kind, name }) ?? null
  }

  ofFunction(functionId: string): WhiskEntity | null {
    return this.#statements.ofFunction.get({ functionId }) ?? null
  }

  list(projectId: string, kind: WhiskKind): WhiskEntity[] {
    return this.#statements.list.all({ projectId, kind })
  }

  countMade(projectId: string): number {
    return this.#statements.countMade.get({ projectId })?.made ?? 0
  }

  projects(): string[] {
    return this.#statements.projects.all().map(({ projectId }) => projectId)
  }

  put(entity: WhiskEntity): void {
    runWrite(() => this.#statements.put.run({ ...entity }))
  }

  delete(id: string): void {
    this.#statements.delete.run({ id })
  }
}

function prepare(orm: Database['orm']) {
  const all = placeholders(whiskEntities)
  const { id, projectId, kind, name, functionId, updatedAt } = whiskEntities
  const ofKind = and(eq(projectId, all.projectId), eq(kind, all.kind))
  return {
    find: orm
      .select()
      .from(whiskEntities)
      .where(and(ofKind, eq(name, all.name)))
      .prepare(),
    ofFunction: orm.select().from(whiskEntities).where(eq(functionId, all.functionId)).prepare(),
    list: orm.select().from(whiskEntities).where(ofKind).orderBy(desc(updatedAt), desc(id)).prepare(),
    countMade: orm
      .select({ made: count() })
      .from(whiskEntities)
      .where(and(eq(projectId, all.projectId), ne(kind, 'action')))
      .prepare(),
    projects: orm.selectDistinct({ projectId }).from(whiskEntities).prepare(),
    put: orm.insert(whiskEntities).values(all).onConflictDoUpdate({ target: id, set: all }).prepare(),
    delete: orm.delete(whiskEntities).where(eq(id, all.id)).prepare(),
  }
}
