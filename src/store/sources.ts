import { and, asc, eq, gt, sql } from 'drizzle-orm'
import type { Change, ListedObject, Source, SourceStore } from '../domain/source.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { written } from './refusals.ts'
import { sourceObjects, sources } from './schema.ts'

export class SourceRows implements SourceStore {
  #database: Database
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#database = database
    this.#statements = prepare(database.orm)
  }

  insert(source: Source): void {
    written(() => this.#statements.insert.run({ ...source }))
  }

  update(source: Source): void {
    written(() => this.#statements.update.run({ ...source }))
  }

  delete(id: string): boolean {
    return written(() => this.#statements.delete.run({ id }).changes > 0)
  }

  find(id: string): Source | null {
    return this.#statements.find.get({ id }) ?? null
  }

  list(projectId: string | null): Source[] {
    return projectId === null ? this.#statements.list.all() : this.#statements.listOfProject.all({ projectId })
  }

  listOfFunction(functionId: string): Source[] {
    return this.#statements.listOfFunction.all({ functionId })
  }

  listOfAlias(projectId: string, alias: string): Source[] {
    return this.#statements.listOfAlias.all({ projectId, functionAlias: alias })
  }

  objectsAfter(sourceId: string, name: string, limit: number): ListedObject[] {
    return this.#statements.objectsAfter.all({ sourceId, name, limit })
  }

  remember(sourceId: string, changes: Change[]): void {
    written(() =>
      this.#database.transaction(() => {
        if (this.find(sourceId) === null) return
        for (const { object, event } of changes) {
          if (event === 'deleted') this.#statements.forget.run({ sourceId, name: object.name })
          else this.#statements.remember.run({ sourceId, ...object })
        }
      }),
    )
  }
}

function prepare(orm: Database['orm']) {
  const all = placeholders(sources)
  const object = placeholders(sourceObjects)
  const byId = eq(sources.id, all.id)
  const ofProject = eq(sources.projectId, all.projectId)
  const ofSource = eq(sourceObjects.sourceId, object.sourceId)
  const { name, etag, bytes, lastModified } = sourceObjects
  const select = () => orm.select().from(sources)
  const inOrder = [asc(sources.createdAt), asc(sources.id)]
  return {
    insert: orm.insert(sources).values(all).prepare(),
    update: orm.update(sources).set(all).where(byId).prepare(),
    delete: orm.delete(sources).where(byId).prepare(),
    find: select().where(byId).prepare(),
    list: select()
      .orderBy(...inOrder)
      .prepare(),
    listOfProject: select()
      .where(ofProject)
      .orderBy(...inOrder)
      .prepare(),
    listOfFunction: select()
      .where(eq(sources.functionId, all.functionId))
      .orderBy(...inOrder)
      .prepare(),
    listOfAlias: select()
      .where(and(ofProject, eq(sources.functionAlias, all.functionAlias)))
      .orderBy(...inOrder)
      .prepare(),
    objectsAfter: orm
      .select({ name, etag, bytes, lastModified })
      .from(sourceObjects)
      .where(and(ofSource, gt(name, object.name)))
      .orderBy(asc(name))
      .limit(sql.placeholder('limit'))
      .prepare(),
    remember: orm
      .insert(sourceObjects)
      .values(object)
      .onConflictDoUpdate({
        target: [sourceObjects.sourceId, name],
        set: { etag: object.etag, bytes: object.bytes, lastModified: object.lastModified },
      })
      .prepare(),
    forget: orm
      .delete(sourceObjects)
      .where(and(ofSource, eq(name, object.name)))
      .prepare(),
  }
}
