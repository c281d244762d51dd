import type { ListedObject } from './source.ts'

/** What the services need of the OpenStack around this server. `openstack/` fulfils it; absent without Keystone. */

export interface SessionFields {
  token: string
  expiresAtMs: number
  userId: string
  projectId: string
  roles: { id: string; name: string }[]
  /** The trust that the token comes from, if it does. */
  trustId: string | null
  /** Base of the Identity API. */
  authUrl: string
  /** What Keystone says of the token: user, project, roles, when it expires. Without the catalogue. */
  details: Record<string, unknown>
  /** Keystone's catalogue as JSON text; null when it has not been asked for. */
  catalog: string | null
}

/** A Keystone token with a project, and what it is good for. Neither JSON nor a log line of it shows the token. */
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

/** Why a function can do nothing in OpenStack at the moment: what it is told when it tries. */
export interface NoSession {
  problem: string
  /** Keystone said no: waiting does not help. Otherwise it could not be asked. */
  isRefused: boolean
}

/** What a function acts with in OpenStack. The same object until it is renewed. */
export type ActingSession = OpenStackSession | NoSession

export const hasSession = (acting: ActingSession): acting is OpenStackSession => acting instanceof OpenStackSession

/** Lets functions act for those who made them (contract section 2). */
export interface Trusts {
  /** From the caller to the service user, with all the caller's roles in their project. Throws FaasError `openstack_failed`. */
  create(caller: OpenStackSession): Promise<string>
  /** Tries until it is gone; resolves after the first try and never rejects. */
  delete(trustId: string): Promise<void>
  /** At once while the token of the trust is fresh. Never throws, never rejects. */
  acting(trustId: string): ActingSession | Promise<ActingSession>
  /** Somebody did not accept its token: the next `acting` asks for another. */
  forget(trustId: string): void
}

export interface ObjectRef {
  container: string
  object: string
}

/** Names that would mean another place once they stand in a URL. */
export const canBeNamed = ({ container, object }: ObjectRef): boolean =>
  !container.includes('/') && ![container, ...object.split('/')].some((part) => part === '.' || part === '..')

export interface StoredObject {
  /** Changes when the object does. */
  etag: string
  bytes: Buffer
}

/**
 * Objects in Swift. Throws FaasError: `invalid_request` (no such object, not allowed, too large), `openstack_failed` (Swift
 * does not answer as it should, or the catalogue does not name it), `auth_unavailable`.
 */
export interface ObjectStore {
  etag(session: OpenStackSession, ref: ObjectRef): Promise<string>
  /** The whole object, checked against its checksum where Swift has one. */
  read(session: OpenStackSession, ref: ObjectRef): Promise<StoredObject>
  open(
    session: OpenStackSession,
    ref: ObjectRef,
  ): Promise<{ stream: ReadableStream<Uint8Array>; sizeBytes: number | null }>
}

export interface ListingWish {
  container: string
  /** Null: all names. */
  prefix: string | null
  /** Only names after this one. */
  after: string
  limit: number
}

export interface Listing {
  /** In the order of their names as bytes; fewer than asked for: these are the last. */
  objects: ListedObject[]
  /** By Swift's clock, in whole seconds. */
  atMs: number
}

/** Throws as ObjectStore does. */
export interface ContainerListings {
  list(session: OpenStackSession, wish: ListingWish): Promise<Listing>
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
