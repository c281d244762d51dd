import type { LimitStore, StoredLimits } from '../domain/platform/limits.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { projectLimits } from './schema.ts'

export class ProjectLimitRows implements LimitStore {
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#statements = prepare(database.orm)
  }

  set(stored: StoredLimits): void {
    runWrite(() => this.#statements.set.run({ ...stored }))
  }

  list(): StoredLimits[] {
    return this.#statements.list.all()
  }
}

function prepare(orm: Database['orm']) {
  const all = placeholders(projectLimits)
  const { limits, updatedAt } = all
  return {
    set: orm
      .insert(projectLimits)
      .values(all)
      .onConflictDoUpdate({ target: projectLimits.projectId, set: { limits, updatedAt } })
      .prepare(),
    list: orm.select().from(projectLimits).prepare(),
  }
}
