/** An API token. The token itself is shown once, when made; kept is only its SHA-256. */
export interface Token {
  id: string
  name: string
  /** SHA-256 of the token, lower-case hex. */
  hash: string
  projectId: string
  roles: string[]
  createdAt: number
  /** Unix ms, or null: does not expire. */
  expiresAt: number | null
}

export interface TokenStore {
  insert(token: Token): void
  list(): Token[]
  delete(id: string): boolean
}
