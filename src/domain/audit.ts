import type { Actor } from './principal.ts'

/** A change as the API saw it: what was done to what, and from where. Never what was sent, nor what came back. */
export interface Change {
  /** What the endpoint does, in words. */
  action: string
  method: string
  /** Without the query. */
  path: string
  /** Id and name of what was made or changed, where the answer tells. */
  subjectId: string | null
  subjectName: string | null
  status: number
  /** Address of the caller. */
  address: string | null
}

/** Who changed what, and when. Ids are in the order of time. */
export interface AuditEntry extends Change {
  id: string
  at: number
  whoKind: Actor['kind']
  whoId: string | null
  whoName: string | null
  projectId: string
}

export interface AuditStore {
  insert(entry: AuditEntry): void
  /** The newest first; `before`: only those older than that entry. */
  list(limit: number, before: string | null): AuditEntry[]
  /** Removes what is older, and what is more than that many. Returns how many. */
  prune(olderThanMs: number, keep: number): number
}
