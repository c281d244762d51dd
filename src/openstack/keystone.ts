import type { Clock } from '../domain/clock.ts'
import type { OpenStackSession } from '../domain/platform/openstack.ts'
import type { Log } from '../domain/runs/log.ts'
import { type ServiceAnswer, ServiceFailure, type ServiceRequest, sendServiceRequest } from './service-request.ts'
import { type CheckedToken, notKeystone, readToken } from './token-answer.ts'

export interface KeystoneOptions {
  /** Base URL of the Identity API, with or without `/v3`. */
  authUrl: string
  user: string
  password: string
  project: string
  /** Domain names of the service user and the service project. */
  userDomain: string
  projectDomain: string
  /** Time limit of a request. */
  timeoutMs: number
}

interface OwnToken {
  token: string
  userId: string
  expiresAtMs: number
  renewAtMs: number
}

/** Keystone refused the request. */
export class KeystoneRefusal extends Error {
  override name = 'KeystoneRefusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Pause after a request without a response. */
const silencePauseMs = 1000
const refusedOwnUser = 'Keystone refuses the service user of this server; its operator finds more in the log.'

/**
 * The requests to Keystone's v3 API that we need, as the service user. Every method may throw ServiceFailure: Keystone is
 * unavailable. After a request without a response it is thrown immediately for a second.
 */
export class Keystone {
  readonly authUrl: string
  #parts: { options: KeystoneOptions; clock: Clock; log: Log }
  #own: OwnToken | null = null
  #loggingIn: Promise<OwnToken> | null = null
  #silent: { untilMs: number; failure: ServiceFailure } | null = null

  constructor(parts: { options: KeystoneOptions; clock: Clock; log: Log }) {
    this.#parts = parts
    const base = parts.options.authUrl.replace(/\/+$/, '')
    this.authUrl = base.endsWith('/v3') ? base : `${base}/v3`
  }

  /** Id of the service user. */
  async userId(): Promise<string> {
    return (await this.#ownToken()).userId
  }

  /** Null: Keystone does not know the token, or it is no longer valid. */
  async check(token: string): Promise<CheckedToken | null> {
    const answer = await this.#askAsOwn('GET', '/auth/tokens?nocatalog', { 'X-Subject-Token': token })
    if (answer.status === 404 && answer.json !== undefined) return null
    if (answer.status !== 403) return readToken(answer, token, this.authUrl)
    this.#complain(answer, 'the service user may not check tokens: it needs the role admin or service')
    throw new ServiceFailure(refusedOwnUser)
  }

  /** The catalogue for the token's owner, as JSON text. */
  async catalogOf({ token }: OpenStackSession): Promise<string> {
    const answer = await this.#ask('GET', '/auth/catalog', { 'X-Auth-Token': token })
    if (answer.status !== 200) throw refusal(answer, token)
    if (!Array.isArray(answer.json?.catalog)) throw new ServiceFailure('Keystone answered without a catalogue.')
    return JSON.stringify(answer.json.catalog)
  }

  /** Creates a trust and returns its id. Throws KeystoneRefusal: the caller's token may not create it. */
  async createTrust({ token, userId, projectId, roles }: OpenStackSession): Promise<string> {
    const trust = {
      trustor_user_id: userId,
      trustee_user_id: await this.userId(),
      project_id: projectId,
      roles: roles.map(({ id }) => ({ id })),
      impersonation: true,
    }
    const answer = await this.#ask('POST', '/OS-TRUST/trusts', { 'X-Auth-Token': token }, { trust })
    if (answer.status !== 201) throw refusal(answer, token)
    const id = (answer.json?.trust as { id?: unknown } | undefined)?.id
    if (typeof id !== 'string') throw new ServiceFailure('Keystone made a trust and did not say its id.')
    return id
  }

  /**
   * Succeeds also when the trust is gone. Throws KeystoneRefusal: neither the service user nor the trustor's own token may delete
   * it.
   */
  async deleteTrust(trustId: string): Promise<void> {
    const path = `/OS-TRUST/trusts/${encodeURIComponent(trustId)}`
    const answer = await this.#askAsOwn('DELETE', path)
    if (answer.status !== 403) return acceptGone(answer)
    const { token } = await this.sessionOfTrust(trustId)
    acceptGone(await this.#ask('DELETE', path, { 'X-Auth-Token': token }))
  }

  /** A new token of the trust, with its catalogue. Throws KeystoneRefusal: the trust or its user is no longer valid. */
  async sessionOfTrust(trustId: string): Promise<OpenStackSession> {
    const scope = { 'OS-TRUST:trust': { id: trustId } }
    const answer = await this.#ask('POST', '/auth/tokens', {}, { auth: { identity: this.#identity(), scope } })
    if (answer.status !== 201) throw refusal(answer)
    const { session } = readToken(answer, subjectToken(answer), this.authUrl)
    if (session === null) throw new ServiceFailure('Keystone answered with a token of a trust that has no project.')
    return session
  }

  async #askAsOwn(
    method: ServiceRequest['method'],
    path: string,
    headers: Record<string, string> = {},
  ): Promise<ServiceAnswer> {
    for (let isFirst = true; ; isFirst = false) {
      const own = await this.#ownToken()
      const answer = await this.#ask(method, path, { ...headers, 'X-Auth-Token': own.token })
      if (answer.status !== 401) return answer
      if (this.#own === own) this.#own = null
      if (isFirst) continue
      this.#complain(answer, 'the token of the service user is refused, also when it is new')
      throw new ServiceFailure(refusedOwnUser)
    }
  }

  /** A token that cannot be renewed is used until it expires. */
  async #ownToken(): Promise<OwnToken> {
    const { clock } = this.#parts
    const own = this.#own
    if (own !== null && clock.now() < own.renewAtMs) return own
    this.#loggingIn ??= this.#logIn().finally(() => {
      this.#loggingIn = null
    })
    return this.#loggingIn.catch((error: unknown) => {
      if (own !== null && clock.now() < own.expiresAtMs && error instanceof ServiceFailure && !error.isSilent)
        return own
      throw error
    })
  }

  async #logIn(): Promise<OwnToken> {
    const { project, projectDomain } = this.#parts.options
    const scope = { project: { name: project, domain: { name: projectDomain } } }
    const auth = { identity: this.#identity(), scope }
    const answer = await this.#ask('POST', '/auth/tokens?nocatalog', {}, { auth })
    if (answer.status >= 400) {
      this.#complain(answer, 'the service user cannot log in: look at its name, password, project and domains')
      throw new ServiceFailure(refusedOwnUser)
    }
    const token = subjectToken(answer)
    const { userId, expiresAtMs } = readToken(answer, token, this.authUrl)
    const nowMs = this.#parts.clock.now()
    this.#own = { token, userId, expiresAtMs, renewAtMs: nowMs + (expiresAtMs - nowMs) * 0.8 }
    return this.#own
  }

  #identity(): object {
    const { user, userDomain, password } = this.#parts.options
    return { methods: ['password'], password: { user: { name: user, domain: { name: userDomain }, password } } }
  }

  async #ask(
    method: ServiceRequest['method'],
    path: string,
    headers: Record<string, string>,
    json?: unknown,
  ): Promise<ServiceAnswer> {
    const { clock, options } = this.#parts
    if (this.#silent !== null && clock.elapsed() < this.#silent.untilMs) throw this.#silent.failure
    try {
      const url = `${this.authUrl}${path}`
      const answer = await sendServiceRequest({
        service: 'Keystone',
        method,
        url,
        headers,
        json,
        timeoutMs: options.timeoutMs,
      })
      this.#silent = null
      return answer
    } catch (error) {
      if (error instanceof ServiceFailure && error.isSilent) {
        this.#silent = { untilMs: clock.elapsed() + silencePauseMs, failure: error }
      }
      throw error
    }
  }

  #complain({ status, json }: ServiceAnswer, what: string): void {
    this.#parts.log.error({ status, keystone: reasonIn(json) }, what)
  }
}

function subjectToken({ headers }: ServiceAnswer): string {
  const token = headers.get('x-subject-token')
  if (token === null) throw new ServiceFailure('Keystone answered without a token.')
  return token
}

/**
 * A refusal without Keystone's error format comes from something else, such as a proxy. Some of Keystone's messages quote the
 * token, which is removed.
 */
function refusal({ status, json }: ServiceAnswer, token = ''): KeystoneRefusal | ServiceFailure {
  if (status < 400 || json === undefined) return notKeystone()
  const reason = reasonIn(json)
  return new KeystoneRefusal(status, token === '' ? reason : reason.replaceAll(token, '(the token)'))
}

function acceptGone(answer: ServiceAnswer): void {
  if (answer.status >= 300 && answer.status !== 404) throw refusal(answer)
}

/** Keystone's own message. */
function reasonIn(json: Record<string, unknown> | undefined): string {
  const message = (json?.error as { message?: unknown } | undefined)?.message
  return typeof message === 'string' ? message.slice(0, 500) : 'no reason given'
}
