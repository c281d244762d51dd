import type { StoredTrigger, TriggerStore } from './trigger.ts'

/** A source of events: a Swift container that is polled. Changes of its objects create executions. */

export const sourceEvents = ['created', 'changed', 'deleted'] as const
export type SourceEvent = (typeof sourceEvents)[number]

export const sourceStatuses = ['running', 'paused'] as const
export type SourceStatus = (typeof sourceStatuses)[number]

export interface Source extends StoredTrigger {
  name: string | null
  type: 'swift'
  container: string
  /** Prefix of the names of relevant objects; null: all objects. */
  prefix: string | null
  /** Reported events; never empty. */
  events: SourceEvent[]
  /** Interval of the polls. */
  intervalSeconds: number
  status: SourceStatus
  /** By Swift's clock: an object created before counts as known, not as new. */
  sinceMs: number
}

/** An object as Swift lists it. */
export interface ListedObject {
  name: string
  etag: string
  bytes: number
  /** In Swift's format: `2030-01-02T03:04:05.678900`, UTC. */
  lastModified: string
}

/** Result of the last poll; kept in memory. */
export interface SourceState {
  lastPolledAt: number | null
  /** Null: success. */
  lastError: string | null
}

/** Deleting a source deletes its remembered objects. */
export interface SourceStore extends TriggerStore<Source> {
  /** Remembered objects after that name, ordered by the bytes of their names: at most `limit`. */
  objectsAfter(sourceId: string, name: string, limit: number): ListedObject[]
  /** Updates the remembered objects in one step. Does nothing for a source that is gone. */
  remember(sourceId: string, changes: ObjectChange[]): void
}

/** A change of a remembered object. */
export interface ObjectChange {
  object: ListedObject
  /** Null: remembered, but not reported. */
  event: SourceEvent | null
}

/** The order of Swift and SQLite: by the bytes of UTF-8. */
export const compareObjectNames = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The changes between the remembered and the complete listed objects. Pure. */
export function changesBetween(known: ListedObject[], listed: ListedObject[], sinceMs: number): ObjectChange[] {
  const before = new Map(known.map((object) => [object.name, object]))
  const changes: ObjectChange[] = []
  for (const object of listed) {
    const old = before.get(object.name)
    before.delete(object.name)
    if (old === undefined) changes.push({ object, event: isNews(object, sinceMs) ? 'created' : null })
    else if (old.etag !== object.etag) changes.push({ object, event: 'changed' })
  }
  for (const object of before.values()) changes.push({ object, event: 'deleted' })
  return changes
}

/** An unreadable time counts as new: an extra event is better than a lost one. */
function isNews({ lastModified }: ListedObject, sinceMs: number): boolean {
  const modifiedMs = Date.parse(`${lastModified}Z`)
  return Number.isNaN(modifiedMs) || modifiedMs >= sinceMs
}

/** The event for the function. */
export const eventOf = (source: Source, event: SourceEvent, { name, etag, bytes, lastModified }: ListedObject) => ({
  type: `object.${event}`,
  source: source.id,
  container: source.container,
  object: name,
  etag,
  bytes,
  last_modified: lastModified,
})
