import type { Clock } from '../../domain/clock.ts'
import { FaasError, invalid } from '../../domain/errors.ts'
import type { Fn } from '../../domain/functions/function.ts'
import { idFrom } from '../../domain/ids.ts'
import {
  type ContainerListings,
  hasSession,
  type Listing,
  type ListingQuery,
  type OpenStackSession,
  type Trusts,
} from '../../domain/platform/openstack.ts'
import { inputFromText } from '../../domain/runs/input.ts'
import type { Log } from '../../domain/runs/log.ts'
import {
  changesBetween,
  compareObjectNames,
  type ListedObject,
  type ObjectChange,
  type Source,
  type SourceState,
  type SourceStore,
} from '../../domain/triggers/source.ts'
import { eventOfObject } from '../../domain/triggers/trigger-event.ts'
import type { Target, Targets } from '../functions/targets.ts'
import type { Invocation } from '../runs/invocation.ts'

export interface SourcePollsParts {
  store: SourceStore
  targets: Pick<Targets, 'resolveIn'>
  invocation: Pick<Invocation, 'accept'>
  /** Both absent without Keystone. */
  trusts?: Pick<Trusts, 'acting' | 'forget'>
  containers?: ContainerListings
  clock: Clock
  log: Log
}

interface Watched extends SourceState {
  /** Cancels the timer of the next poll. */
  cancel: (() => void) | null
  /** The current poll. */
  look: Promise<void> | null
  /** Failed polls since the last good one. */
  failures: number
  /** The source was changed or removed during a poll. */
  isChanged: boolean
}

const pageSize = 1000
/** Limit of runs that are accepted at once; their changes are remembered together. */
const acceptedAtOnce = 50
const maxLooksAtOnce = 4
const longestPauseMs = 300_000

/**
 * Polls every running source, and accepts a run for each change. A change is remembered only after its run is durable, and the
 * run's id is derived from the change: after a crash the change is found again and accepted once.
 */
export class SourcePolls {
  #parts: SourcePollsParts
  #watched = new Map<string, Watched>()
  #looking = 0
  #waiting: (() => void)[] = []
  #closed = false

  constructor(parts: SourcePollsParts) {
    this.#parts = parts
  }

  /** Starts to poll the sources of an earlier process. */
  start(): void {
    for (const source of this.#parts.store.list(null)) this.set(source)
  }

  /** A new or changed source is polled soon, unless it is paused. */
  set(source: Source): void {
    const watched = this.#watched.get(source.id) ?? { ...unseen }
    this.#watched.set(source.id, watched)
    watched.failures = 0
    watched.isChanged = watched.look !== null
    watched.cancel?.()
    watched.cancel = null
    if (source.status === 'running' && watched.look === null) this.#lookAfter(source.id, watched, 0)
  }

  clear(id: string): void {
    const watched = this.#watched.get(id)
    watched?.cancel?.()
    if (watched !== undefined) watched.isChanged = true
    this.#watched.delete(id)
  }

  stateOf(id: string): SourceState {
    const { lastPolledAt, lastError } = this.#watched.get(id) ?? unseen
    return { lastPolledAt, lastError }
  }

  /** Lists with the session of the function's trust; retries with a new session when Swift refuses it. Throws FaasError. */
  async listing(fn: Fn, wish: ListingQuery): Promise<Listing> {
    const { trusts, containers } = this.#parts
    if (trusts === undefined || containers === undefined) throw needsKeystone()
    if (fn.trustId === null) throw noTrust()
    try {
      return await containers.list(await this.#session(fn.trustId), wish)
    } catch (error) {
      if (!(error instanceof FaasError) || error.code !== 'unauthenticated') throw error
      trusts.forget(fn.trustId)
      return containers.list(await this.#session(fn.trustId), wish)
    }
  }

  /** Stops polling. Resolves when no poll is active. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { cancel } of this.#watched.values()) cancel?.()
    await Promise.all([...this.#watched.values()].map(({ look }) => look))
  }

  #lookAfter(id: string, watched: Watched, ms: number): void {
    if (this.#closed) return
    watched.cancel = this.#parts.clock.after(ms, () => {
      watched.cancel = null
      watched.look = this.#look(id, watched)
    })
  }

  /** Never rejects. */
  async #look(id: string, watched: Watched): Promise<void> {
    if (this.#looking >= maxLooksAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#looking++
    watched.isChanged = false
    const source = this.#parts.store.find(id)
    try {
      if (source?.status === 'running') await this.#follow(source, watched)
      this.#noteGood(id, watched)
    } catch (error) {
      this.#noteBad(id, watched, error)
    } finally {
      watched.lastPolledAt = this.#parts.clock.now()
      watched.look = null
      this.#looking--
      this.#waiting.shift()?.()
    }
    if (this.#watched.get(id) === watched) this.#goOn(id, watched)
  }

  #goOn(id: string, watched: Watched): void {
    const source = this.#parts.store.find(id)
    if (source?.status !== 'running') return
    const intervalMs = source.intervalSeconds * 1000
    const pauseMs = Math.min(intervalMs * 2 ** watched.failures, Math.max(intervalMs, longestPauseMs))
    this.#lookAfter(id, watched, watched.isChanged ? 0 : pauseMs)
  }

  /** Compares the listing with the remembered objects a page at a time, over the range that both pages cover. */
  async #follow(source: Source, watched: Watched): Promise<void> {
    const { store, targets } = this.#parts
    const target = targets.resolveIn(source.projectId, source)
    const { container, prefix } = source
    let after = ''
    while (!watched.isChanged && !this.#closed) {
      const { objects } = await this.listing(target.fn, { container, prefix, after, limit: pageSize })
      const known = store.objectsAfter(source.id, after, pageSize)
      const end = earlier(endOf(objects), endOf(known))
      const changes = changesBetween(upTo(end, known), upTo(end, objects), source.sinceMs)
      await this.#tell(source, target, changes)
      if (end === null) return
      after = end
    }
  }

  async #tell(source: Source, target: Target, changes: ObjectChange[]): Promise<void> {
    for (let from = 0; from < changes.length; from += acceptedAtOnce) {
      const told = changes.slice(from, from + acceptedAtOnce)
      const results = await Promise.allSettled(told.map((change) => this.#accept(source, target, change)))
      this.#parts.store.remember(
        source.id,
        told.filter((_, n) => results[n]?.status === 'fulfilled'),
      )
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    }
  }

  /** Durable when this resolves. */
  async #accept(source: Source, target: Target, { object, event }: ObjectChange): Promise<void> {
    if (event === null || !source.events.includes(event)) return
    const { signature } = target.revision
    await this.#parts.invocation.accept({
      target,
      projectId: source.projectId,
      trigger: 'event',
      triggerId: source.id,
      input: inputFromText(JSON.stringify(eventOfObject(source, event, object, signature)), signature),
      description: `Created by Source ${source.id}`,
      executionId: idFrom(source.id, event, JSON.stringify([object.name, object.etag, object.lastModified])),
    })
  }

  async #session(trustId: string): Promise<OpenStackSession> {
    const acting = await this.#parts.trusts?.acting(trustId)
    if (acting === undefined) throw needsKeystone()
    if (hasSession(acting)) return acting
    throw new FaasError('openstack_failed', acting.problem)
  }

  #noteGood(id: string, watched: Watched): void {
    if (watched.failures > 0) this.#parts.log.info({ source: id }, 'a source can be followed again')
    watched.failures = 0
    watched.lastError = null
  }

  /** Logged once, and shown with the source while it lasts. */
  #noteBad(id: string, watched: Watched, error: unknown): void {
    const { log } = this.#parts
    if (!(error instanceof FaasError)) log.error({ err: error, source: id }, 'a source could not be followed')
    const reason = error instanceof FaasError ? error.message : 'The server failed; its log says why.'
    if (reason !== watched.lastError) log.warn({ source: id, reason }, 'a source cannot be followed; trying again')
    watched.failures++
    watched.lastError = reason
  }
}

const unseen: Watched = {
  lastPolledAt: null,
  lastError: null,
  cancel: null,
  look: null,
  failures: 0,
  isChanged: false,
}

/** Where a page ends before the list does; null: it is the last page. */
const endOf = (page: ListedObject[]): string | null => (page.length < pageSize ? null : (page.at(-1)?.name ?? null))

function earlier(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return compareObjectNames(a, b) < 0 ? a : b
}

const upTo = (end: string | null, objects: ListedObject[]): ListedObject[] =>
  end === null ? objects : objects.filter(({ name }) => compareObjectNames(name, end) <= 0)

export const needsKeystone = (): FaasError =>
  invalid('Event sources need Keystone authentication, which this server does not use.')

const noTrust = (): FaasError =>
  invalid('The function has no trust to look at Swift with: create it with a Keystone token. Images have no trust.')
