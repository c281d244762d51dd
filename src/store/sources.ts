import { and, asc, eq, gt, sql } from 'drizzle-orm'
import type { ListedObject, ObjectChange, Source, SourceStore } from '../domain/triggers/source.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { sourceObjects, sources } from './schema.ts'
import { TriggerRows } from './triggers.ts'

export class SourceRows extends TriggerRows<Source> implements SourceStore {
  #database: Database
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    super(database, sources)
    this.#database = database
    this.#statements = prepare(database.orm)
  }

  objectsAfter(sourceId: string, name: string, limit: number): ListedObject[] {
    return this.#statements.objectsAfter.all({ sourceId, name, limit })
  }

  remember(sourceId: string, changes: ObjectChange[]): void {
    runWrite(() =>
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
  const object = placeholders(sourceObjects)
  const ofSource = eq(sourceObjects.sourceId, object.sourceId)
  const { name, etag, bytes, lastModified } = sourceObjects
  return {
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
