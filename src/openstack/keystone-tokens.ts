import { hash } from 'node:crypto'
import type { Clock } from '../domain/clock.ts'
import { FaasError, notAllowed } from '../domain/errors.ts'
import type { OpenStackSession } from '../domain/platform/openstack.ts'
import type { Principal } from '../domain/platform/principal.ts'
import type { Log } from '../domain/runs/log.ts'
import type { Keystone } from './keystone.ts'
import { isTokenShaped, ServiceFailure } from './service-request.ts'

export interface KeystoneTokensParts {
  keystone: Pick<Keystone, 'check'>
  clock: Clock
  log: Log
  /** How long a validated token is cached; a revoked one is refused after this time at the latest. */
  cacheMs: number
}

/** Keystone's result for a token, by the SHA-256 of the token. */
interface Known {
  /** Null: invalid. `unscoped`: valid, but without a project. */
  who: Principal | 'unscoped' | null
  /** Expiry of the token itself. */
  expiresAtMs: number
  believedUntilMs: number
  /** When the token is validated again in the background while the cached result is still used. */
  checkAgainAtMs: number
  /** True when Keystone could not be reached at the last validation. */
  isUnconfirmed: boolean
}

const maxKnown = 10_000
const maxChecksAtOnce = 256
/** An invalid token is not validated again for this time. */
const refusedMs = 5000
/** Interval of validations of a known token while Keystone is unavailable. */
const unconfirmedMs = 1000

/**
 * Validates Keystone tokens. A cached result is returned synchronously; a token in use is validated again in the background at
 * half the cache time. While Keystone is unavailable, known tokens stay valid until they expire, and new ones fail with
 * `auth_unavailable`.
 */
export class KeystoneTokens {
  #parts: KeystoneTokensParts
  #known = new Map<string, Known>()
  #checks = new Map<string, Promise<Known>>()

  constructor(parts: KeystoneTokensParts) {
    this.#parts = parts
  }

  /** Null: invalid. Throws FaasError: `forbidden` (a token without a project), `auth_unavailable`. */
  authenticate = (token: string): Principal | null | Promise<Principal | null> => {
    if (!isTokenShaped(token)) return null
    const key = hash('sha256', token, 'base64')
    const known = this.#known.get(key)
    const nowMs = this.#parts.clock.now()
    if (known !== undefined && nowMs >= known.expiresAtMs) return null
    if (known === undefined || (nowMs >= known.believedUntilMs && !known.isUnconfirmed)) {
      return this.#check(key, token).then(admitted)
    }
    if (nowMs >= known.checkAgainAtMs) void this.#check(key, token).catch(() => {})
    return admitted(known)
  }

  /** Concurrent validations of the same token share one request. */
  #check(key: string, token: string): Promise<Known> {
    const running = this.#checks.get(key)
    if (running !== undefined) return running
    if (this.#checks.size >= maxChecksAtOnce) {
      return Promise.reject(unavailable('Too many tokens are being checked at once.'))
    }
    const check = this.#askKeystone(key, token).finally(() => this.#checks.delete(key))
    this.#checks.set(key, check)
    return check
  }

  async #askKeystone(key: string, token: string): Promise<Known> {
    const { keystone, clock, log, cacheMs } = this.#parts
    const askedAtMs = clock.now()
    try {
      const found = await keystone.check(token)
      return this.#learn(key, knownFrom(found, askedAtMs, cacheMs))
    } catch (error) {
      if (!(error instanceof ServiceFailure)) throw error
      const before = this.#known.get(key)
      if (before === undefined || before.who === null || clock.now() >= before.expiresAtMs) {
        throw unavailable(error.message, error)
      }
      if (!before.isUnconfirmed)
        log.warn({ reason: error.message }, 'a token cannot be checked again now; it stays valid')
      return this.#learn(key, { ...before, isUnconfirmed: true, checkAgainAtMs: clock.now() + unconfirmedMs })
    }
  }

  /** Inserted last, so that the first entry is the oldest. */
  #learn(key: string, known: Known): Known {
    this.#known.delete(key)
    this.#known.set(key, known)
    if (this.#known.size > maxKnown) this.#known.delete(this.#known.keys().next().value as string)
    return known
  }
}

function knownFrom(
  found: { session: OpenStackSession | null; expiresAtMs: number } | null,
  askedAtMs: number,
  cacheMs: number,
): Known {
  const believedMs = found === null ? Math.min(refusedMs, cacheMs) : cacheMs
  return {
    who: found === null ? null : found.session === null ? 'unscoped' : principalOf(found.session),
    expiresAtMs: found?.expiresAtMs ?? Number.POSITIVE_INFINITY,
    believedUntilMs: askedAtMs + believedMs,
    checkAgainAtMs: found === null ? Number.POSITIVE_INFINITY : askedAtMs + believedMs / 2,
    isUnconfirmed: false,
  }
}

function principalOf(session: OpenStackSession): Principal {
  const roles = session.roles.map(({ name }) => name)
  return { projectId: session.projectId, roles, isAdmin: roles.includes('admin'), session }
}

function admitted({ who }: Known): Principal | null {
  if (who !== 'unscoped') return who
  throw notAllowed('the token is for no project; ask Keystone for one that is scoped to a project.')
}

const unavailable = (reason: string, cause?: unknown): FaasError =>
  new FaasError('auth_unavailable', `The token cannot be checked now: ${reason} Try again in a moment.`, { cause })
