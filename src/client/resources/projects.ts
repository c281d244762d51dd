export interface LimitRow {
  name: string
  about: string
  value: number | null
  used: number | null
  /** False: the default of all projects. */
  own: boolean
}

export interface LimitsRow {
  project_id: string
  /** Maximum of a function's timeout on the server, in seconds; absent on servers of earlier versions. */
  timeout_max?: number
  limits: LimitRow[]
}

export interface ProjectRow {
  id: string
  functions: number
  /** Unfinished jobs. */
  jobs: number
  webhooks: number
  tokens: number
  /** Active calls. */
  running: number
  queued_runs: number
  worker_memory_mb: number
  /** True when admins have set limits for it. */
  own_limits: boolean
}
