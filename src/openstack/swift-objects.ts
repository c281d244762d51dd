import { createHash } from 'node:crypto'
import { FaasError, invalid } from '../domain/errors.ts'
import type {
  ContainerListings,
  Listing,
  ListingQuery,
  ObjectRef,
  ObjectStore,
  OpenStackSession,
  StoredObject,
} from '../domain/platform/openstack.ts'
import type { ListedObject } from '../domain/triggers/source.ts'
import type { Keystone } from './keystone.ts'
import { endpointOf } from './service-endpoint.ts'
import { noAnswerFailure, openResponse, ServiceFailure, type ServiceRequest } from './service-request.ts'

export interface SwiftParts {
  keystone: Pick<Keystone, 'catalogOf'>
  options: {
    interface: string
    region: string | undefined
    /** Longest wait for the head of a response, and between pieces of its body. */
    timeoutMs: number
    /** Largest object that is read. */
    maxBytes: number
  }
}

/** A download may take this many times the limit of a request. */
const longestDownload = 12
const maxReadsAtOnce = 2

interface Place {
  url: string
  /** Name for messages. */
  name: string
}

/** Objects in the Swift service of a session's catalogue. */
export class SwiftObjects implements ObjectStore, ContainerListings {
  #parts: SwiftParts
  #reading = 0
  #waiting: (() => void)[] = []

  constructor(parts: SwiftParts) {
    this.#parts = parts
  }

  async etag(session: OpenStackSession, ref: ObjectRef): Promise<string> {
    const place = await this.#placeOf(session, ref)
    const { timeoutMs } = this.#parts.options
    const response = await this.#ask('HEAD', place, session, AbortSignal.timeout(timeoutMs))
    return etagOf(response)
  }

  /** At most two objects at once, because they are held in memory. */
  async read(session: OpenStackSession, ref: ObjectRef): Promise<StoredObject> {
    const place = await this.#placeOf(session, ref)
    if (this.#reading >= maxReadsAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#reading++
    try {
      return await this.#read(session, place)
    } finally {
      this.#reading--
      this.#waiting.shift()?.()
    }
  }

  async open(session: OpenStackSession, ref: ObjectRef) {
    const { timeoutMs } = this.#parts.options
    const place = await this.#placeOf(session, ref)
    const signal = AbortSignal.timeout(timeoutMs * longestDownload)
    const response = await this.#ask('GET', place, session, signal)
    if (response.body === null) throw failed(`Swift answered without the ${place.name}.`)
    return { stream: response.body, sizeBytes: sizeOf(response) }
  }

  async list(session: OpenStackSession, { container, prefix, after, limit }: ListingQuery): Promise<Listing> {
    const query = new URLSearchParams({ format: 'json', limit: String(limit) })
    if (prefix !== null) query.set('prefix', prefix)
    if (after !== '') query.set('marker', after)
    const url = `${await this.#endpoint(session)}/${encodeURIComponent(container)}?${query}`
    const place = { url, name: `container ${container}` }
    const signal = AbortSignal.timeout(this.#parts.options.timeoutMs)
    const response = await this.#ask('GET', place, session, signal)
    const atMs = Date.parse(response.headers.get('date') ?? '')
    const objects = readListing(await this.#collect(response, place, () => {}))
    if (objects === null || Number.isNaN(atMs)) throw failed(`Swift's listing of the ${place.name} cannot be read.`)
    return { objects, atMs }
  }

  async #read(session: OpenStackSession, place: Place): Promise<StoredObject> {
    const { timeoutMs, maxBytes } = this.#parts.options
    const stop = new AbortController()
    const limit = setTimeout(() => stop.abort(timedOut()), timeoutMs * longestDownload)
    const pause = setTimeout(() => stop.abort(timedOut()), timeoutMs)
    try {
      const response = await this.#ask('GET', place, session, stop.signal)
      const size = sizeOf(response)
      if (size !== null && size > maxBytes) throw tooLarge(place, maxBytes)
      const bytes = await this.#collect(response, place, () => pause.refresh())
      if (size !== null && bytes.length !== size) throw failed(`Swift cut the ${place.name} off; try again.`)
      checkSum(response, bytes, place)
      return { etag: etagOf(response), bytes }
    } finally {
      clearTimeout(limit)
      clearTimeout(pause)
      stop.abort()
    }
  }

  async #collect(response: Response, place: Place, onPiece: () => void): Promise<Buffer> {
    const { maxBytes, timeoutMs } = this.#parts.options
    const pieces: Uint8Array[] = []
    let bytes = 0
    try {
      for await (const piece of response.body ?? []) {
        onPiece()
        bytes += piece.length
        if (bytes > maxBytes) throw tooLarge(place, maxBytes)
        pieces.push(piece)
      }
    } catch (error) {
      throw error instanceof FaasError ? error : failed(noAnswerFailure({ service: 'Swift', timeoutMs }, error).message)
    }
    return Buffer.concat(pieces)
  }

  /** Returns a response with a success status. */
  async #ask(
    method: ServiceRequest['method'],
    place: Place,
    session: OpenStackSession,
    signal: AbortSignal,
  ): Promise<Response> {
    const { timeoutMs } = this.#parts.options
    const headers = { 'X-Auth-Token': session.token, 'Accept-Encoding': 'identity' }
    const response = await openResponse({ service: 'Swift', method, url: place.url, headers, timeoutMs }, signal).catch(
      (error: unknown) => {
        throw error instanceof ServiceFailure ? failed(error.message, error) : error
      },
    )
    if (response.status < 300) return response
    await response.body?.cancel().catch(() => {})
    throw refused(response.status, place)
  }

  async #placeOf(session: OpenStackSession, { container, object }: ObjectRef): Promise<Place> {
    const path = object.split('/').map(encodeURIComponent).join('/')
    return {
      url: `${await this.#endpoint(session)}/${encodeURIComponent(container)}/${path}`,
      name: `object ${object} in the container ${container}`,
    }
  }

  /** Base URL of the account of the session's project. */
  #endpoint(session: OpenStackSession): Promise<string> {
    const { region, interface: face } = this.#parts.options
    return endpointOf(session, this.#parts.keystone, { type: 'object-store', interface: face, region }, 'Swift')
  }
}

/** Null: not a listing. Entries that are not objects (folders, with a delimiter) are skipped. */
function readListing(body: Buffer): ListedObject[] | null {
  // Swift may send no body for an empty container.
  if (body.length === 0) return []
  try {
    const entries: unknown = JSON.parse(body.toString('utf8'))
    if (!Array.isArray(entries)) return null
    return entries.filter(isObject).map((entry) => ({
      name: entry.name,
      etag: entry.hash,
      bytes: Number(entry.bytes),
      lastModified: String(entry.last_modified),
    }))
  } catch {
    return null
  }
}

const isObject = (entry: unknown): entry is { name: string; hash: string; bytes: unknown; last_modified: unknown } =>
  typeof entry === 'object' &&
  entry !== null &&
  'name' in entry &&
  'hash' in entry &&
  typeof entry.name === 'string' &&
  typeof entry.hash === 'string'

const timedOut = (): DOMException => new DOMException('too slow', 'TimeoutError')

const etagOf = (response: Response): string => (response.headers.get('etag') ?? '').replaceAll('"', '')

function sizeOf({ headers }: Response): number | null {
  const size = headers.get('content-length')
  return size === null ? null : Number(size)
}

/** The ETag of an object uploaded in one piece is its MD5; that of a segmented object is not. */
function checkSum(response: Response, bytes: Buffer, { name }: Place): void {
  const { headers } = response
  const etag = etagOf(response)
  if (headers.has('x-static-large-object') || headers.has('x-object-manifest') || !/^[0-9a-f]{32}$/.test(etag)) return
  const actual = createHash('md5').update(bytes).digest('hex')
  if (actual !== etag) throw failed(`The ${name} arrived with the MD5 checksum ${actual}, not ${etag}; try again.`)
}

function refused(status: number, { name }: Place): FaasError {
  if (status === 404) return invalid(`There is no ${name} in Swift.`)
  if (status === 401) return new FaasError('unauthenticated', 'Swift does not accept the token any more.')
  if (status === 403) return invalid(`Swift does not let this user read the ${name}.`)
  return failed(`Swift answered with the status ${status} when asked for the ${name}.`)
}

const tooLarge = ({ name }: Place, maxBytes: number): FaasError =>
  invalid(`The ${name} is larger than ${maxBytes} bytes, the maximum for code from Swift.`)

const failed = (message: string, cause?: unknown): FaasError => new FaasError('openstack_failed', message, { cause })
