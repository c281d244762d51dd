export interface FindingRow {
  area: string
  state: 'ok' | 'warning' | 'problem'
  /** A sentence. */
  says: string
  /** Advice; null: none. */
  remedy: string | null
}

export interface HealthRow {
  version: string
  started_at: string
  /** The server's clock. */
  now: string
  state: FindingRow['state']
  findings: FindingRow[]
  /** Null: it does not answer. */
  engine: { name: string; version: string; api_version: string | null } | null
  data: { path: string; free_bytes: number; total_bytes: number }
  memory: { budget_bytes: number; reserved_bytes: number; host_bytes: number }
  last_backup_at: string | null
}
