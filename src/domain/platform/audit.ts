import type { Actor } from './principal.ts'

/**
 * A change made through the API: what was done to what, and from where. It contains neither the request's nor the response's
 * body.
 */
export interface AuditedChange {
  /** The endpoint's summary. */
  action: string
  method: string
  /** Path without query. */
  path: string
  /** Id and name of the changed object, where the response contains them. */
  subjectId: string | null
  subjectName: string | null
  status: number
  /** Address of the caller. */
  address: string | null
}

/** An entry of the audit log. Ids are in the order of time. */
export interface AuditEntry extends AuditedChange {
  id: string
  at: number
  whoKind: Actor['kind']
  whoId: string | null
  whoName: string | null
  projectId: string
}

export interface AuditStore {
  insert(entry: AuditEntry): void
  /** The newest first; `before`: only entries older than this id. */
  list(limit: number, before: string | null): AuditEntry[]
  /** Removes older entries, and entries beyond the number to keep. Returns the number of removed entries. */
  prune(olderThanMs: number, keep: number): number
}
