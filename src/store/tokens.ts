import { asc, eq } from 'drizzle-orm'
import type { Token, TokenStore } from '../domain/token.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { written } from './refusals.ts'
import { tokens } from './schema.ts'

export class TokenRows implements TokenStore {
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#statements = prepare(database.orm)
  }

  insert(token: Token): void {
    written(() => this.#statements.insert.run({ ...token }))
  }

  list(): Token[] {
    return this.#statements.list.all()
  }

  delete(id: string): boolean {
    return written(() => this.#statements.delete.run({ id }).changes > 0)
  }
}

function prepare(orm: Database['orm']) {
  const all = placeholders(tokens)
  return {
    insert: orm.insert(tokens).values(all).prepare(),
    delete: orm.delete(tokens).where(eq(tokens.id, all.id)).prepare(),
    list: orm.select().from(tokens).orderBy(asc(tokens.createdAt), asc(tokens.id)).prepare(),
  }
}
