import type { Clock } from '../domain/clock.ts'
import { FaasError } from '../domain/errors.ts'
import { type ActingSession, hasSession, type OpenStackSession, type Trusts } from '../domain/platform/openstack.ts'
import type { Log } from '../domain/runs/log.ts'
import { type Keystone, KeystoneRefusal } from './keystone.ts'

export interface KeystoneTrustsParts {
  keystone: Pick<Keystone, 'createTrust' | 'deleteTrust' | 'sessionOfTrust'>
  clock: Clock
  log: Log
}

interface Held {
  acting: ActingSession
  /** The token is used without checks until then; later a new one is requested. */
  freshUntilMs: number
}

/** Age at which a trust's token is renewed in the background, which limits the effect of a revoked one. */
const renewAfterMs = 300_000
/** A token with less remaining time is not given to a run. */
const leastLeftMs = 30_000
/** Pause after a failed request for a trust's token. */
const problemMs = 5000
const firstRetryMs = 2000
const longestRetryMs = 300_000
const maxHeld = 10_000

/** The trusts through which functions act, and their current tokens. */
export class KeystoneTrusts implements Trusts {
  #parts: KeystoneTrustsParts
  #held = new Map<string, Held>()
  #renewals = new Map<string, Promise<ActingSession>>()

  constructor(parts: KeystoneTrustsParts) {
    this.#parts = parts
  }

  async create(caller: OpenStackSession): Promise<string> {
    if (caller.trustId !== null) {
      throw notMade(
        'The token comes from a trust itself, and Keystone lets such a token make no other: use a token of the user.',
      )
    }
    try {
      return await this.#parts.keystone.createTrust(caller)
    } catch (error) {
      const reason = (error as Error).message
      const isRefused = error instanceof KeystoneRefusal
      throw notMade(isRefused ? `Keystone refused it (${error.status}: ${reason})` : reason, error)
    }
  }

  async delete(trustId: string): Promise<void> {
    this.#held.delete(trustId)
    await this.#tryDelete(trustId, firstRetryMs)
  }

  acting(trustId: string): ActingSession | Promise<ActingSession> {
    const held = this.#held.get(trustId)
    const nowMs = this.#parts.clock.now()
    if (held === undefined || isOver(held, nowMs)) return this.#renew(trustId)
    if (nowMs >= held.freshUntilMs) void this.#renew(trustId)
    return held.acting
  }

  forget(trustId: string): void {
    this.#held.delete(trustId)
  }

  /** Concurrent renewals share one request. Never rejects. */
  #renew(trustId: string): Promise<ActingSession> {
    const running = this.#renewals.get(trustId)
    if (running !== undefined) return running
    const renewal = this.#askForToken(trustId).finally(() => this.#renewals.delete(trustId))
    this.#renewals.set(trustId, renewal)
    return renewal
  }

  async #askForToken(trustId: string): Promise<ActingSession> {
    const { keystone, clock } = this.#parts
    try {
      const session = this.#sharingCatalog(await keystone.sessionOfTrust(trustId))
      const nowMs = clock.now()
      return this.#hold(trustId, session, nowMs + Math.min(renewAfterMs, (session.expiresAtMs - nowMs) / 2))
    } catch (error) {
      return this.#withoutToken(trustId, error)
    }
  }

  /** While Keystone is unavailable, the previous token is used until it expires. */
  #withoutToken(trustId: string, error: unknown): ActingSession {
    const { clock, log } = this.#parts
    const isRefused = error instanceof KeystoneRefusal
    const reason = (error as Error).message
    const held = this.#held.get(trustId)
    const nowMs = clock.now()
    log.warn({ trust: trustId, reason }, 'the token of a trust could not be renewed')
    const goesOn = !isRefused && held !== undefined && hasSession(held.acting) && !isOver(held, nowMs)
    if (goesOn) return this.#hold(trustId, held.acting, nowMs + problemMs)
    const problem = isRefused
      ? 'Keystone does not accept the trust of this function any more: its user was disabled or lost a role, or the trust was deleted. Create the function again.'
      : `The function has no token now: ${reason}`
    return this.#hold(trustId, { problem, isRefused }, nowMs + problemMs)
  }

  #hold(trustId: string, acting: ActingSession, freshUntilMs: number): ActingSession {
    this.#held.delete(trustId)
    this.#held.set(trustId, { acting, freshUntilMs })
    if (this.#held.size > maxHeld) this.#held.delete(this.#held.keys().next().value as string)
    return acting
  }

  /** Functions of a project share one catalogue, whose text is kept once. */
  #sharingCatalog(session: OpenStackSession): OpenStackSession {
    for (const { acting } of this.#held.values()) {
      const isSame = hasSession(acting) && acting.projectId === session.projectId && acting.catalog === session.catalog
      if (isSame && acting.catalog !== null) return session.withCatalog(acting.catalog)
    }
    return session
  }

  async #tryDelete(trustId: string, retryMs: number): Promise<void> {
    const { keystone, clock, log } = this.#parts
    try {
      await keystone.deleteTrust(trustId)
    } catch (error) {
      const reason = (error as Error).message
      if (error instanceof KeystoneRefusal) return log.error({ trust: trustId, reason }, 'a trust cannot be deleted')
      log.warn({ trust: trustId, reason }, 'a trust could not be deleted; trying again')
      clock.after(retryMs, () => void this.#tryDelete(trustId, Math.min(retryMs * 2, longestRetryMs)))
    }
  }
}

const isOver = ({ acting, freshUntilMs }: Held, nowMs: number): boolean =>
  hasSession(acting) ? nowMs >= acting.expiresAtMs - leastLeftMs : nowMs >= freshUntilMs

const notMade = (reason: string, cause?: unknown): FaasError =>
  new FaasError('openstack_failed', `The function needs a trust to act through, and got none. ${reason}`, { cause })
