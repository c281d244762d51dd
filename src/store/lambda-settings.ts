import { eq } from 'drizzle-orm'
import type { LambdaSettings, LambdaSettingsStore } from '../domain/functions/lambda-settings.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { lambdaSettings } from './schema.ts'

export class LambdaSettingsRows implements LambdaSettingsStore {
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#statements = prepare(database.orm)
  }

  find(functionId: string): LambdaSettings | null {
    return this.#statements.find.get({ functionId }) ?? null
  }

  put(settings: LambdaSettings): void {
    runWrite(() => this.#statements.put.run({ ...settings }))
  }
}

function prepare(orm: Database['orm']) {
  const all = placeholders(lambdaSettings)
  return {
    find: orm.select().from(lambdaSettings).where(eq(lambdaSettings.functionId, all.functionId)).prepare(),
    put: orm
      .insert(lambdaSettings)
      .values(all)
      .onConflictDoUpdate({ target: lambdaSettings.functionId, set: all })
      .prepare(),
  }
}
