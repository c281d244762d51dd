export interface LimitRow {
  name: string
  about: string
  value: number | null
  used: number | null
  /** False: it is the default of all projects. */
  own: boolean
}

export interface LimitsRow {
  project_id: string
  limits: LimitRow[]
}

export interface ProjectRow {
  id: string
  functions: number
  /** Those that are not finished. */
  jobs: number
  webhooks: number
  tokens: number
  /** Calls at work. */
  running: number
  queued_runs: number
  worker_memory_mb: number
  /** Whether admins have set limits of its own. */
  own_limits: boolean
}
