import type { ListedObject } from '../triggers/source.ts'

/** What services need of the surrounding OpenStack. `openstack/` implements it; absent without Keystone. */

export interface SessionFields {
  token: string
  expiresAtMs: number
  userId: string
  projectId: string
  roles: { id: string; name: string }[]
  /** The trust that issued the token; null: none. */
  trustId: string | null
  /** Base URL of the Identity API. */
  authUrl: string
  /** Keystone's description of the token: user, project, roles, expiry. Without the catalogue. */
  details: Record<string, unknown>
  /** Keystone's catalogue as JSON text; null: not requested. */
  catalog: string | null
}

/** A Keystone token with a project and its catalogue. Neither its JSON nor a log line shows the token. */
export class OpenStackSession {
  readonly #token: string
  readonly expiresAtMs: number
  readonly userId: string
  readonly projectId: string
  readonly roles: { id: string; name: string }[]
  readonly trustId: string | null
  readonly authUrl: string
  readonly details: Record<string, unknown>
  readonly catalog: string | null

  constructor(fields: SessionFields) {
    this.#token = fields.token
    this.expiresAtMs = fields.expiresAtMs
    this.userId = fields.userId
    this.projectId = fields.projectId
    this.roles = fields.roles
    this.trustId = fields.trustId
    this.authUrl = fields.authUrl
    this.details = fields.details
    this.catalog = fields.catalog
  }

  get token(): string {
    return this.#token
  }

  withCatalog(catalog: string): OpenStackSession {
    return new OpenStackSession({ ...this, token: this.#token, catalog })
  }
}

/** Why a function cannot act in OpenStack now: the error that it gets when it tries. */
export interface NoSession {
  problem: string
  /** True when Keystone refused, so waiting does not help. False: Keystone could not be reached. */
  isRefused: boolean
}

/** A function's OpenStack session. The same object until it is renewed. */
export type ActingSession = OpenStackSession | NoSession

export const hasSession = (acting: ActingSession): acting is OpenStackSession => acting instanceof OpenStackSession

/** Lets functions act for their creators (contract section 2). */
export interface Trusts {
  /**
   * Creates a trust from the caller to the service user, with all the caller's roles in the project. Throws FaasError
   * `openstack_failed`.
   */
  create(caller: OpenStackSession): Promise<string>
  /** Retries until the trust is gone; resolves after the first try and never rejects. */
  delete(trustId: string): Promise<void>
  /** Synchronous while the trust's token is fresh. Never throws, never rejects. */
  acting(trustId: string): ActingSession | Promise<ActingSession>
  /** Its token was refused: the next `acting` requests another. */
  forget(trustId: string): void
}

export interface ObjectRef {
  container: string
  object: string
}

/** False for names that would change the meaning of a URL. */
export const isSafeInUrl = ({ container, object }: ObjectRef): boolean =>
  !container.includes('/') && ![container, ...object.split('/')].some((part) => part === '.' || part === '..')

export interface StoredObject {
  /** Changes with the object's content. */
  etag: string
  bytes: Buffer
}

/**
 * Objects in Swift. Throws FaasError: `invalid_request` (no such object, not allowed, too large), `openstack_failed` (Swift
 * answers with an error, or the catalogue does not contain it), `auth_unavailable`.
 */
export interface ObjectStore {
  etag(session: OpenStackSession, ref: ObjectRef): Promise<string>
  /** Reads the whole object and verifies its checksum where Swift has one. */
  read(session: OpenStackSession, ref: ObjectRef): Promise<StoredObject>
  open(
    session: OpenStackSession,
    ref: ObjectRef,
  ): Promise<{ stream: ReadableStream<Uint8Array>; sizeBytes: number | null }>
}

export interface ListingQuery {
  container: string
  /** Null: all names. */
  prefix: string | null
  /** Only names after this one. */
  after: string
  limit: number
}

export interface Listing {
  /** Ordered by the bytes of their names; fewer than requested: these are the last. */
  objects: ListedObject[]
  /** Swift's clock, in whole seconds. */
  atMs: number
}

/** Throws like ObjectStore. */
export interface ContainerListings {
  list(session: OpenStackSession, wish: ListingQuery): Promise<Listing>
}

export interface QueueMessage {
  queue: string
  /** JSON text. */
  body: string
  /** Seconds that it is there; null: as long as Zaqar says. */
  ttl: number | null
}

/**
 * Queues of Zaqar; one that is not there is made by its first message. Throws FaasError: `invalid_request` (Zaqar does not take this
 * message), `unauthenticated` (the token), `openstack_failed`.
 */
export interface MessageQueues {
  post(session: OpenStackSession, message: QueueMessage): Promise<void>
}
