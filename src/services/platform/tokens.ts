import type { Clock } from '../../domain/clock.ts'
import { invalid, notFound } from '../../domain/errors.ts'
import type { NewId } from '../../domain/ids.ts'
import { defaultProjectId, type Principal, requireAdmin } from '../../domain/platform/principal.ts'
import type { Scope } from '../../domain/platform/scope.ts'
import type { Token, TokenStore } from '../../domain/platform/token.ts'
import type { Log } from '../../domain/runs/log.ts'
import { hashOf, newSecret } from './token-secret.ts'

export interface NewToken {
  name?: string
  projectId?: string
  /** Default: `admin` with the scope admin, else `member`. */
  roles?: string[]
  /** Absent: everything that the roles allow. */
  scopes?: Scope[]
  /** Id of the only function of its project that the token may use. */
  functionId?: string
  expiresIn?: number
}

export interface TokenRotation {
  /** Seconds for which the previous token stays valid. */
  graceSeconds?: number
  /** Seconds until the new token expires; absent: the previous token's expiry. */
  expiresIn?: number
}

const maxRecent = 1000
const defaultGraceSeconds = 3600

/** The last use of a token that is not stored yet. */
interface Use {
  /** Null: the installation's admin token. */
  id: string | null
  isNew: boolean
}

interface Known {
  who: Principal
  expiresAt: number | null
  use: Use
}

/** API tokens and their principals, looked up by hash in memory. A token is shown once, at creation, and never stored. */
export class Tokens {
  #parts: { tokens: TokenStore; clock: Clock; newId: NewId; log: Log }
  #known = new Map<string, Known>()
  /** Known tokens in plain text, which saves a hash per call. In memory only. */
  #recent = new Map<string, Known>()
  #uses = new Map<string, Use>()

  constructor(parts: { tokens: TokenStore; clock: Clock; newId: NewId; log: Log }) {
    this.#parts = parts
    for (const token of parts.tokens.list()) this.#learn(token)
  }

  /** Accepts the installation's admin token while the process lives; it is never stored in the database. */
  admit(adminToken: string): void {
    const by = { kind: 'token' as const, id: null, name: 'admin.token' }
    const who = { ...principalOf(defaultProjectId, ['admin']), by }
    this.#known.set(hashOf(adminToken), { who, expiresAt: null, use: { id: null, isNew: false } })
  }

  /** The principal of the token; null for an absent, unknown or expired one. */
  authenticate = (token: string | null): Principal | null => {
    if (token === null) return null
    const known = this.#recent.get(token) ?? this.#lookUp(token)
    if (known === undefined) return null
    if (!this.#isGood(known)) return null
    known.use.isNew = true
    return known.who
  }

  /** The principal of the token with that id (null: the admin token); null when the token is invalid. */
  standsFor(id: string | null): Principal | null {
    for (const known of this.#known.values()) if (known.use.id === id && this.#isGood(known)) return known.who
    return null
  }

  /** Id of the caller's token; undefined: the caller used none of ours. */
  idOf(who: Principal): string | null | undefined {
    for (const known of this.#known.values()) if (known.who === who) return known.use.id
    return undefined
  }

  list(who: Principal): Token[] {
    requireAdmin(who, 'Listing tokens')
    return this.#parts.tokens.list()
  }

  /** The token of the request; null: it is not a stored token. */
  own(who: Principal): Token | null {
    const id = who.by?.kind === 'token' ? who.by.id : null
    return this.#parts.tokens.list().find((token) => token.id === id) ?? null
  }

  /** Returns the token, which is not shown again. */
  create(who: Principal, given: NewToken): NewTokenSecret {
    requireAdmin(who, 'Making a token')
    const secret = newSecret()
    const now = this.#parts.clock.now()
    const token: Token = {
      id: this.#parts.newId(),
      name: required('name', given.name),
      hash: hashOf(secret),
      projectId: given.projectId === undefined ? who.projectId : required('project_id', given.projectId),
      roles: rolesOf(given),
      scopes: given.scopes ?? null,
      functionId: given.functionId ?? null,
      createdAt: now,
      expiresAt: given.expiresIn === undefined ? null : now + positive('expires_in', given.expiresIn) * 1000,
      lastUsedAt: null,
      previousHash: null,
      previousUntil: null,
    }
    this.#parts.tokens.insert(token)
    this.#learn(token)
    return { token, secret }
  }

  /** Replaces a token; the previous one stays valid for a while. Returns the new token, which is not shown again. */
  rotate(who: Principal, id: string, { graceSeconds = defaultGraceSeconds, expiresIn }: TokenRotation): NewTokenSecret {
    requireAdmin(who, 'Rotating a token')
    if (graceSeconds < 0) throw invalid('"grace" must be 0 seconds or more.')
    const before = this.#stored(id)
    const now = this.#parts.clock.now()
    const secret = newSecret()
    const token: Token = {
      ...before,
      hash: hashOf(secret),
      expiresAt: expiresIn === undefined ? before.expiresAt : now + positive('expires_in', expiresIn) * 1000,
      previousHash: before.hash,
      previousUntil: Math.min(now + graceSeconds * 1000, before.expiresAt ?? Number.MAX_SAFE_INTEGER),
    }
    this.#parts.tokens.update(token)
    this.#forget(before)
    this.#learn(token)
    return { token, secret }
  }

  /** Refuses the token from now on, and the one before its rotation. */
  delete(who: Principal, id: string): void {
    requireAdmin(who, 'Deleting a token')
    const token = this.#stored(id)
    this.#parts.tokens.delete(id)
    this.#forget(token)
    this.#uses.delete(id)
  }

  /** Stores the recent uses of tokens; called once a minute. Never throws. */
  noteUses(): void {
    const used = [...this.#uses.values()].filter(({ isNew }) => isNew)
    if (used.length === 0) return
    for (const use of used) use.isNew = false
    try {
      const ids = used.flatMap(({ id }) => id ?? [])
      this.#parts.tokens.noteUsed(ids, this.#parts.clock.now())
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'when tokens were used last cannot be kept')
    }
  }

  #stored(id: string): Token {
    const token = this.#parts.tokens.list().find((one) => one.id === id)
    if (token === undefined) throw notFound('Token', id)
    return token
  }

  #isGood({ expiresAt }: Known): boolean {
    return expiresAt === null || expiresAt > this.#parts.clock.now()
  }

  #lookUp(token: string): Known | undefined {
    const known = this.#known.get(hashOf(token))
    if (known === undefined) return undefined
    if (this.#recent.size >= maxRecent) this.#recent.clear()
    this.#recent.set(token, known)
    return known
  }

  #learn(token: Token): void {
    const { id, hash, expiresAt, previousHash, previousUntil } = token
    const use = this.#uses.get(id) ?? { id, isNew: false }
    this.#uses.set(id, use)
    const who = principalOfToken(token)
    this.#known.set(hash, { who, expiresAt, use })
    if (previousHash !== null) this.#known.set(previousHash, { who, expiresAt: previousUntil, use })
  }

  #forget({ hash, previousHash }: Token): void {
    this.#known.delete(hash)
    if (previousHash !== null) this.#known.delete(previousHash)
    this.#recent.clear()
  }
}

export interface NewTokenSecret {
  token: Token
  secret: string
}

/** Scopes restrict roles and grant nothing: changing the server needs the role. */
function rolesOf({ roles, scopes }: NewToken): string[] {
  if (roles === undefined) return scopes?.includes('admin') ? ['admin'] : ['member']
  if (scopes?.includes('admin') && !roles.includes('admin')) {
    throw invalid('"scopes" has admin and "roles" does not: an admin token has it in both.')
  }
  return roles
}

const principalOf = (projectId: string, roles: string[]): Principal => ({
  projectId,
  roles,
  isAdmin: roles.includes('admin'),
})

function principalOfToken({ id, name, projectId, roles, scopes, functionId }: Token): Principal {
  const who: Principal = { ...principalOf(projectId, roles), by: { kind: 'token', id, name } }
  if (scopes !== null) who.scopes = scopes
  if (functionId !== null) who.onlyFunction = functionId
  return who
}

function required(key: string, value: string | undefined): string {
  if (value === undefined || value.trim() === '') throw invalid(`"${key}" is required and must not be empty.`)
  return value
}

function positive(key: string, seconds: number): number {
  if (seconds < 1) throw invalid(`"${key}" must be 1 second or more.`)
  return seconds
}
