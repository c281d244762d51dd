import type { Scope } from './scope.ts'

/** An API token. The token itself is shown once, when it is created; only its SHA-256 is stored. */
export interface Token {
  id: string
  name: string
  /** SHA-256 of the token, lower-case hex. */
  hash: string
  projectId: string
  roles: string[]
  /** Null: everything that its roles allow. */
  scopes: Scope[] | null
  /** The only function that it may use; null: any. */
  functionId: string | null
  createdAt: number
  /** Unix ms, or null: does not expire. */
  expiresAt: number | null
  /** Accurate to the minute; null: never used, as far as known. */
  lastUsedAt: number | null
  /** Hash of the token before the last rotation, and its expiry. */
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
