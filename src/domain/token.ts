import type { Scope } from './scope.ts'

/** An API token. The token itself is shown once, when made; kept is only its SHA-256. */
export interface Token {
  id: string
  name: string
  /** SHA-256 of the token, lower-case hex. */
  hash: string
  projectId: string
  roles: string[]
  /** Null: all that its roles allow. */
  scopes: Scope[] | null
  /** The one function that it is for; null: any. */
  functionId: string | null
  createdAt: number
  /** Unix ms, or null: does not expire. */
  expiresAt: number | null
  /** To the minute; null: never, as far as is known. */
  lastUsedAt: number | null
  /** Of the token before the last rotation, and until when that one is good. */
  previousHash: string | null
  previousUntil: number | null
}

export interface TokenStore {
  insert(token: Token): void
  list(): Token[]
  /** Writes every field. */
  update(token: Token): void
  noteUsed(ids: string[], atMs: number): void
  delete(id: string): boolean
}
