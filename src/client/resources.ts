/** What the API shows and takes, as its JSON has it. `/openapi.json` says what each field means. */

interface Row {
  id: string
  project_id: string
  created_at: string
  updated_at: string | null
}

/** What a trigger or an execution is of. */
export interface TargetFields {
  function_id?: string
  function_version?: number
  function_alias?: string
}

export interface RuntimeRow extends Row {
  name: string | null
  image: string
  description: string | null
  is_public: boolean
  trusted: boolean
  status: 'creating' | 'available' | 'upgrading' | 'error' | 'deleting'
  signature: string
  min_memory: number
  languages: string[]
  language_version: string | null
}

export interface RuntimeFields {
  name?: string
  description?: string
  image?: string
  is_public?: boolean
  trusted?: boolean
  signature?: string
  min_memory?: number
}

export interface BuildRow extends Row {
  function_id: string | null
  function_name: string | null
  runtime: string | null
  list: string
  status: 'running' | 'success' | 'failed'
  cached: boolean
  size: number | null
  error: string | null
  ended_at: string | null
}

export interface FunctionRow extends Row {
  name: string | null
  description: string | null
  runtime_id: string | null
  code: { source: string; [field: string]: unknown }
  entry: string | null
  cpu: number
  memory_size: number
  timeout: number
  count: number
  latest_version: number
  signature: string | null
  env: Record<string, string>
  secrets: SecretUse[]
  max_running: number | null
  max_rate: number | null
  record: Recording
  concurrency: number
  min_workers: number
  max_workers: number | null
  idle_timeout: number | null
  network: 'egress' | 'none'
  api: boolean
  cpu_max: number | null
  access: 'token' | 'public'
  cors: FunctionCors | null
  hosts: string[]
  /** Bytes; null: as the operator says. */
  tmp_size: number | null
  writable: string[]
  retries: Retries | null
  on_success: Destination | null
  on_failure: Destination | null
}

/** How much of the executions of a function is recorded. */
export type Recording = 'full' | 'summary' | 'failures' | 'none'

/** How a function sees a secret: in a variable, or in a file in /run/secrets. */
export interface SecretUse {
  name: string
  as: 'env' | 'file'
  to: string
}

/** Without its value, which no answer has. */
export interface SecretRow extends Row {
  name: string
  description: string | null
  version: number
  versions: { version: number; created_at: string }[]
  used_by: { id: string; name: string | null }[]
}

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

export interface SettingRow {
  name: string
  subject: string
  about: string
  /** Null: none is set, or it is secret. */
  value: string | null
  secret: boolean
  /** False: it is the default. */
  given: boolean
}

export interface SecretFields {
  name: string
  value: string
  description?: string
}

export interface SecretChange {
  value?: string
  version?: number
  description?: string
  workers?: 'replace' | 'drain'
}

/** How accepted runs are tried again; times in seconds. */
export interface Retries {
  max_attempts?: number
  max_age?: number
  on?: ('error' | 'failed' | 'timeout')[]
  backoff?: { first?: number; factor?: number; longest?: number }
}

/** Where results go, as CloudEvents. */
export type Destination = { function: string } | { url: string }

export interface FunctionCors {
  origins: string[]
  methods: string[] | null
  headers: string[] | null
  credentials: boolean
}

export interface FunctionFields {
  name?: string
  description?: string
  runtime?: string
  code?: { source: string; [field: string]: unknown }
  entry?: string
  timeout?: number
  cpu?: number
  memory_size?: number
  signature?: string | null
  env?: Record<string, string>
  secrets?: (string | SecretUse)[]
  max_running?: number | null
  max_rate?: number | null
  record?: Recording
  concurrency?: number
  min_workers?: number
  max_workers?: number | null
  idle_timeout?: number | null
  network?: 'egress' | 'none'
  api?: boolean
  cpu_max?: number | null
  access?: 'token' | 'public'
  cors?: Partial<FunctionCors> | null
  hosts?: string[]
  tmp_size?: number | null
  writable?: string[]
  retries?: Retries | null
  on_success?: Destination | null
  on_failure?: Destination | null
}

export interface VersionRow extends Row {
  description: string | null
  function_id: string
  version_number: number
  count: number
}

export interface AliasRow extends Row {
  name: string
  description: string | null
  function_id: string
  function_version: number
}

export interface AliasFields {
  function_id?: string
  function_version?: number
  description?: string
}

export interface ExecutionRow extends Row {
  function_id: string
  function_version: number
  function_alias: string | null
  description: string | null
  status: 'running' | 'success' | 'failed' | 'error'
  sync: boolean
  input: string | null
  /** JSON text. */
  result: string | null
  output: unknown
  error: { type: string; message: string; stack: string | null; during?: 'load' } | null
  attempt: number
  trigger: string
  /** The job, webhook or source that made it, or the execution whose function called. */
  trigger_id: string | null
  start_kind: 'warm' | 'prewarmed' | 'cold' | null
  cold_reason: string | null
  /** Milliseconds of each phase. */
  phases: Record<string, number> | null
  worker: string | null
  memory_peak_mb: number | null
  cpu_ms: number | null
  /** Not before this: a delay, or the next try. */
  run_at: string | null
  /** Since when it is a dead letter. */
  dead_at: string | null
  priority: number
  delivery: {
    to: Destination
    state: 'pending' | 'delivered' | 'failed'
    attempts: number
    error: string | null
  } | null
}

export interface ExecutionFields extends TargetFields {
  /** Text; JSON of an object is the input itself. */
  input?: string
  sync?: boolean
  description?: string
  /** All below: of runs that are accepted (`sync: false`). */
  retries?: Retries
  /** Seconds. */
  delay?: number
  run_at?: string
  /** From -100 to 100; higher goes first. */
  priority?: number
  idempotency_key?: string
  on_success?: Destination
  on_failure?: Destination
}

export interface JobRow extends Row {
  name: string | null
  function_id: string | null
  function_version: number
  function_alias: string | null
  function_input: string | null
  status: 'running' | 'paused' | 'cancelled' | 'done'
  pattern: string | null
  count: number | null
  first_execution_time: string | null
  next_execution_time: string | null
  timezone: string
  overlap: 'allow' | 'skip' | 'queue'
  missed: 'skip' | 'once' | 'all'
  missed_limit: number
  next_runs: string[]
  /** For good, since the server started; the newest first. */
  left_out: { at: string; why: 'missed' | 'overlap' }[]
}

export interface PatternPreview {
  words: string
  next_runs: string[]
}

export interface JobCalendar {
  from: string
  until: string
  jobs: { id: string; name: string | null; times: string[]; more: boolean }[]
}

export interface JobFields extends TargetFields {
  name?: string
  function_input?: string
  pattern?: string
  timezone?: string
  overlap?: JobRow['overlap']
  missed?: JobRow['missed']
  missed_limit?: number
  first_execution_time?: string
  count?: number
}

export interface JobChange {
  name?: string
  function_input?: string
  pattern?: string
  timezone?: string
  overlap?: JobRow['overlap']
  missed?: JobRow['missed']
  missed_limit?: number
  status?: 'running' | 'paused' | 'cancelled'
  next_execution_time?: string
}

export interface WebhookRow extends Row {
  function_id: string | null
  function_version: number | null
  function_alias: string | null
  description: string | null
  /** POST here runs the function without a token. */
  webhook_url: string
  sync: boolean
  signature: WebhookSignature | null
  /** Calls a second; null: the server's default. */
  max_rate: number | null
}

export interface WebhookSignature {
  scheme: 'github' | 'gitlab' | 'slack' | 'stripe' | 'standard' | 'hmac'
  /** Name of a secret. */
  secret: string
  header?: string | null
  tolerance?: number | null
}

export interface DeliveryRow {
  id: string
  received_at: string
  status: 'accepted' | 'duplicate' | 'refused'
  reason: string | null
  execution_id: string | null
  delivery_id: string | null
  bytes: number
  can_redeliver: boolean
}

export interface WebhookFields extends TargetFields {
  description?: string
  /** The function's answer is the answer, and GET is taken too. */
  sync?: boolean
  signature?: WebhookSignature | null
  max_rate?: number | null
}

export interface SourceRow extends Row {
  name: string | null
  type: 'swift'
  container: string
  prefix: string | null
  events: string[]
  function_id: string | null
  function_version: number | null
  function_alias: string | null
  interval: number
  status: 'running' | 'paused'
  last_polled_at: string | null
  last_error: string | null
}

export interface SourceFields extends TargetFields {
  type?: 'swift'
  container?: string
  prefix?: string
  events?: string[]
  interval?: number
  existing?: boolean
  name?: string
}

export interface SourceChange {
  name?: string
  status?: SourceRow['status']
  events?: string[]
  interval?: number
}

export type Scope = 'read' | 'invoke' | 'deploy' | 'admin'

export interface TokenRow {
  id: string
  name: string
  project_id: string
  roles: string[]
  /** Null: all that the roles allow. */
  scopes: Scope[] | null
  /** Null: any function. */
  function_id: string | null
  created_at: string
  expires_at: string | null
  last_used_at: string | null
  /** Of the token before its rotation. */
  previous_until: string | null
}

export interface WhoAmI {
  kind: 'token' | 'user' | 'function' | 'open'
  id: string | null
  name: string | null
  project_id: string
  roles: string[]
  scopes: Scope[] | null
  function_id: string | null
  expires_at: string | null
}

export interface AuditRow {
  id: string
  at: string
  who: Pick<WhoAmI, 'kind' | 'id' | 'name'>
  project_id: string
  action: string
  method: string
  path: string
  subject_id: string | null
  subject_name: string | null
  status: number
  address: string | null
}

export interface TokenFields {
  name: string
  project_id?: string
  roles?: string[]
  scopes?: string[]
  /** Name or id. */
  function?: string
  /** Seconds. */
  expires_in?: number
}

/** Stands for a token where callers sign what they send. */
export interface AccessKeyRow {
  access_key_id: string
  name: string
  /** Null: the admin token of the installation. */
  token_id: string | null
  project_id: string
  created_at: string
}

export interface AccessKeyFields {
  name: string
  token_id?: string
}

export interface WorkerRow {
  function_id: string
  function_version: number
  worker_name: string
}

export interface BackupRow {
  name: string
  size_bytes: number
  created_at: string
}

export interface FindingRow {
  area: string
  state: 'ok' | 'warning' | 'problem'
  /** A sentence. */
  says: string
  /** What to do about it. */
  remedy: string | null
}

export interface ImageRow {
  id: string
  names: string[]
  size_bytes: number
  created_at: string
  /** Such as `function greet`. */
  used_by: string[]
  /** The next prune removes it. */
  unused: boolean
  /** Whether it is the image of a runtime of another release. */
  other_release: boolean
}

export interface PrunedRow {
  dry_run: boolean
  removed: Pick<ImageRow, 'id' | 'names' | 'size_bytes'>[]
  /** A container or another image holds them. */
  kept: Pick<ImageRow, 'id' | 'names' | 'size_bytes'>[]
  freed_bytes: number
}

export interface RegistryRow {
  registry: string
  username: string
  created_at: string
  /** In the answer to a login: the registry accepted it; false: it could not be asked. */
  checked?: boolean
}

/** A call: function id, version, ms since 1970, ms of the run, ms until it had a worker, kind of start, MB at most. */
export type HistoryLine = [string, number, number, number, number | null, ExecutionRow['start_kind'], number | null]

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

export interface StatsRow {
  since: string
  executions: number
  success: number
  failed: number
  error: number
  error_rate: number | null
  phases: Record<string, { p50: number | null; p95: number | null; p99: number | null }>
  starts: { warm: number; prewarmed: number; cold: number }
  cold_ratio: number | null
  cold_reasons: Record<string, { count: number; ratio: number }>
  gb_seconds: { busy: number; idle_warm: number | null }
}

export interface UsageRow {
  day: string | null
  project_id: string | null
  function_id: string | null
  function_name: string | null
  calls: number
  busy_gb_seconds: number
  idle_gb_seconds: number
  cpu_seconds: number
  bytes_in: number
  bytes_out: number
}

export interface UsageList {
  from: string
  to: string
  usage: UsageRow[]
}

export interface UsageQuery {
  from?: string
  to?: string
  by?: string
  all_projects?: boolean
}

/** Filters and pages of a list; a filter is a value, or `op:value`. */
export interface ListQuery {
  limit?: number
  /** Id of the last row of the page before. */
  marker?: string
  all_projects?: boolean
  [filter: string]: string | number | boolean | undefined
}
