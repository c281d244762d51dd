import { hash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../../domain/clock.ts'
import { invalid, notFound } from '../../domain/errors.ts'
import type { NewId } from '../../domain/ids.ts'
import { defaultProjectId, type Principal, requireAdmin } from '../../domain/principal.ts'
import type { Token, TokenStore } from '../../domain/token.ts'

export interface NewToken {
  name?: string
  projectId?: string
  roles?: string[]
  expiresIn?: number
}

const maxRecent = 1000

interface Known {
  /** Null: the admin token of the installation. */
  id: string | null
  who: Principal
  expiresAt: number | null
}

/** API tokens: who they stand for, looked up by hash in memory. The token itself exists only in the answer that made it. */
export class Tokens {
  #parts: { tokens: TokenStore; clock: Clock; newId: NewId }
  #known = new Map<string, Known>()
  /** By the token as it is sent: spares a hash per call. In memory only, like the request it came in. */
  #recent = new Map<string, Known>()

  constructor(parts: { tokens: TokenStore; clock: Clock; newId: NewId }) {
    this.#parts = parts
    for (const token of parts.tokens.list()) this.#learn(token)
  }

  /** The admin token of the installation: valid while the process lives, never stored by us in the database. */
  admit(adminToken: string): void {
    this.#known.set(hashOf(adminToken), { id: null, who: principalOf(defaultProjectId, ['admin']), expiresAt: null })
  }

  /** Who the token stands for; null for none, an unknown or an expired one. */
  authenticate = (token: string | null): Principal | null => {
    if (token === null) return null
    const known = this.#recent.get(token) ?? this.#lookUp(token)
    if (known === undefined) return null
    return this.#isGood(known) ? known.who : null
  }

  /** Who the token of that id stands for (null: the admin token of the installation); null when it is not good. */
  standsFor(id: string | null): Principal | null {
    for (const known of this.#known.values()) if (known.id === id && this.#isGood(known)) return known.who
    return null
  }

  /** Id of the token that a caller came with; undefined: they came with none of ours. */
  idOf(who: Principal): string | null | undefined {
    for (const known of this.#known.values()) if (known.who === who) return known.id
    return undefined
  }

  list(who: Principal): Token[] {
    requireAdmin(who, 'Listing tokens')
    return this.#parts.tokens.list()
  }

  /** The only time that the token itself is seen. */
  create(who: Principal, given: NewToken): { token: Token; secret: string } {
    requireAdmin(who, 'Making a token')
    const secret = newSecret()
    const now = this.#parts.clock.now()
    const token: Token = {
      id: this.#parts.newId(),
      name: required('name', given.name),
      hash: hashOf(secret),
      projectId: given.projectId === undefined ? who.projectId : required('project_id', given.projectId),
      roles: given.roles ?? ['member'],
      createdAt: now,
      expiresAt: given.expiresIn === undefined ? null : now + positive(given.expiresIn) * 1000,
    }
    this.#parts.tokens.insert(token)
    this.#learn(token)
    return { token, secret }
  }

  /** The token is refused from now on. */
  delete(who: Principal, id: string): void {
    requireAdmin(who, 'Deleting a token')
    const token = this.#parts.tokens.list().find((one) => one.id === id)
    if (token === undefined) throw notFound('Token', id)
    this.#parts.tokens.delete(id)
    this.#known.delete(token.hash)
    this.#recent.clear()
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

  #learn({ id, hash, projectId, roles, expiresAt }: Token): void {
    this.#known.set(hash, { id, who: principalOf(projectId, roles), expiresAt })
  }
}

/**
 * The admin token: the operator's, else the one in the file, else a new one put there for its owner's eyes only.
 * Deleting the file and starting again makes another one.
 */
export function ensureAdminToken(path: string, configured?: string): string {
  if (configured !== undefined) return configured
  if (existsSync(path)) return readAdminToken(path)
  const secret = newSecret()
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, `${secret}\n`, { mode: 0o600, flag: 'wx' })
  return secret
}

function readAdminToken(path: string): string {
  chmodSync(path, 0o600)
  const secret = readFileSync(path, 'utf8').trim()
  if (secret.length < 16) throw new Error(`${path} contains no token: delete it, and the next start makes a new one.`)
  return secret
}

const ownPrefix = 'tb_'

/** Whether we made it, to tell by its look: Keystone's look different. */
export const isOwnToken = (token: string): boolean => token.startsWith(ownPrefix)

const newSecret = (): string => `${ownPrefix}${randomBytes(32).toString('base64url')}`

/** 256 random bits need no slow hash. */
const hashOf = (token: string): string => hash('sha256', token, 'hex')

const principalOf = (projectId: string, roles: string[]): Principal => ({
  projectId,
  roles,
  isAdmin: roles.includes('admin'),
})

function required(key: string, value: string | undefined): string {
  if (value === undefined || value.trim() === '') throw invalid(`"${key}" is required and must not be empty.`)
  return value
}

function positive(seconds: number): number {
  if (seconds < 1) throw invalid('"expires_in" must be 1 second or more.')
  return seconds
}
