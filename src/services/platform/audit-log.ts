import type { Clock } from '../../domain/clock.ts'
import type { NewId } from '../../domain/ids.ts'
import type { AuditEntry, AuditedChange, AuditStore } from '../../domain/platform/audit.ts'
import { actorOf, type Principal, requireAdmin } from '../../domain/platform/principal.ts'
import type { Log } from '../../domain/runs/log.ts'

const dayMs = 86_400_000
/** Number of entries between two prunings outside the hourly one, so that many changes at once do not fill the disk. */
const pruneEvery = 1000

export interface AuditRules {
  /** 0 keeps all entries. */
  keepAuditDays: number
  keepAuditEntries: number
}

export interface AuditLogParts {
  store: AuditStore
  clock: Clock
  newId: NewId
  log: Log
  rules: AuditRules
}

/** Who changed what through the API. */
export class AuditLog {
  #parts: AuditLogParts
  #sincePruned = 0

  constructor(parts: AuditLogParts) {
    this.#parts = parts
  }

  /** The change has already been made: a failure to note it is logged and fails no request. */
  note(who: Principal, change: AuditedChange): void {
    const { store, clock, newId, log } = this.#parts
    const { kind, id, name } = actorOf(who)
    const by = { whoKind: kind, whoId: id, whoName: name, projectId: who.projectId }
    const entry = { id: newId(), at: clock.now(), ...by, ...change }
    try {
      store.insert(entry)
      if (++this.#sincePruned >= pruneEvery) this.prune()
    } catch (error) {
      log.error({ ...entry, err: error }, 'a change could not be kept in the audit log')
    }
  }

  /** The newest first; `before`: id of the last entry of the previous page. */
  list(who: Principal, limit: number, before: string | null): AuditEntry[] {
    requireAdmin(who, 'Reading the audit log')
    return this.#parts.store.list(limit, before)
  }

  /** Removes entries beyond the age or number to keep. */
  prune(): void {
    this.#sincePruned = 0
    const { store, clock, rules } = this.#parts
    const { keepAuditDays, keepAuditEntries } = rules
    const oldest = keepAuditDays === 0 ? 0 : clock.now() - keepAuditDays * dayMs
    store.prune(oldest, keepAuditEntries === 0 ? Number.MAX_SAFE_INTEGER : keepAuditEntries)
  }
}
