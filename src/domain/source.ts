import type { StoredTrigger, TriggerStore } from './trigger.ts'

/** A source of events: a container in Swift that is watched. What happens to its objects creates executions. */

export const sourceEvents = ['created', 'changed', 'deleted'] as const
export type SourceEvent = (typeof sourceEvents)[number]

export const sourceStatuses = ['running', 'paused'] as const
export type SourceStatus = (typeof sourceStatuses)[number]

export interface Source extends StoredTrigger {
  name: string | null
  type: 'swift'
  container: string
  /** Prefix of the names of the objects that count; null: all objects. */
  prefix: string | null
  /** What is told of; never empty. */
  events: SourceEvent[]
  /** Between two looks. */
  intervalSeconds: number
  status: SourceStatus
  /** By Swift's clock: an object put before was there already, and is no news. */
  sinceMs: number
}

/** An object as Swift lists it. */
export interface ListedObject {
  name: string
  etag: string
  bytes: number
  /** As Swift writes it: `2030-01-02T03:04:05.678900`, UTC. */
  lastModified: string
}

/** How the last look went; kept in memory. */
export interface SourceState {
  lastPolledAt: number | null
  /** Null: it went well. */
  lastError: string | null
}

/** A source is deleted with all that it remembered. */
export interface SourceStore extends TriggerStore<Source> {
  /** Objects that the source remembers, in the order of their names as bytes: at most `limit` after that name. */
  objectsAfter(sourceId: string, name: string, limit: number): ListedObject[]
  /** Remembers and forgets in one step. Does nothing for a source that is gone. */
  remember(sourceId: string, changes: Change[]): void
}

/** What the source has to learn of an object. */
export interface Change {
  object: ListedObject
  /** Null: learnt, but no news. */
  event: SourceEvent | null
}

/** As Swift orders names, and SQLite: by their bytes in UTF-8. */
export const compareNames = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** What is to be learnt where the listing was complete. Pure. */
export function changesBetween(known: ListedObject[], listed: ListedObject[], sinceMs: number): Change[] {
  const before = new Map(known.map((object) => [object.name, object]))
  const changes: Change[] = []
  for (const object of listed) {
    const old = before.get(object.name)
    before.delete(object.name)
    if (old === undefined) changes.push({ object, event: isNews(object, sinceMs) ? 'created' : null })
    else if (old.etag !== object.etag) changes.push({ object, event: 'changed' })
  }
  for (const object of before.values()) changes.push({ object, event: 'deleted' })
  return changes
}

/** A time that cannot be read is news: rather one event too many than one too few. */
function isNews({ lastModified }: ListedObject, sinceMs: number): boolean {
  const modifiedMs = Date.parse(`${lastModified}Z`)
  return Number.isNaN(modifiedMs) || modifiedMs >= sinceMs
}

/** The event that the function gets. */
export const eventOf = (source: Source, event: SourceEvent, { name, etag, bytes, lastModified }: ListedObject) => ({
  type: `object.${event}`,
  source: source.id,
  container: source.container,
  object: name,
  etag,
  bytes,
  last_modified: lastModified,
})
