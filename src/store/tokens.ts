import { asc, eq } from 'drizzle-orm'
import type { Token, TokenStore } from '../domain/platform/token.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { tokens } from './schema.ts'

export class TokenRows implements TokenStore {
  #database: Database
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#database = database
    this.#statements = prepare(database.orm)
  }

  insert(token: Token): void {
    runWrite(() => this.#statements.insert.run({ ...token }))
  }

  list(): Token[] {
    return this.#statements.list.all()
  }

  update(token: Token): void {
    runWrite(() => this.#statements.update.run({ ...token }))
  }

  noteUsed(ids: string[], atMs: number): void {
    runWrite(() =>
      this.#database.transaction(() => {
        for (const id of ids) this.#statements.noteUsed.run({ id, lastUsedAt: atMs })
      }),
    )
  }

  delete(id: string): boolean {
    return runWrite(() => this.#statements.delete.run({ id }).changes > 0)
  }
}

function prepare(orm: Database['orm']) {
  const all = placeholders(tokens)
  return {
    insert: orm.insert(tokens).values(all).prepare(),
    update: orm.update(tokens).set(all).where(eq(tokens.id, all.id)).prepare(),
    noteUsed: orm.update(tokens).set({ lastUsedAt: all.lastUsedAt }).where(eq(tokens.id, all.id)).prepare(),
    delete: orm.delete(tokens).where(eq(tokens.id, all.id)).prepare(),
    list: orm.select().from(tokens).orderBy(asc(tokens.createdAt), asc(tokens.id)).prepare(),
  }
}
