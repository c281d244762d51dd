import type { Row } from './row.ts'

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
  max_gb_seconds_per_day: number | null
  sandbox: string | null
  placement: Record<string, string>
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
  /** Bytes; null: the operator's default. */
  tmp_size: number | null
  writable: string[]
  retries: Retries | null
  on_success: Destination | null
  on_failure: Destination | null
}

/** Which executions of a function are recorded. */
export type Recording = 'full' | 'summary' | 'failures' | 'none'

/** How a function sees a secret: in a variable, or in a file in /run/secrets. */
export interface SecretUse {
  name: string
  as: 'env' | 'file'
  to: string
}

/** Retry rule of accepted runs; times in seconds. */
export interface Retries {
  max_attempts?: number
  max_age?: number
  on?: ('error' | 'failed' | 'timeout')[]
  backoff?: { first?: number; factor?: number; longest?: number }
}

/** Destinations of results, as CloudEvents. */
export type Destination = { function: string } | { url: string } | { queue: string; ttl?: number }

export interface FunctionCors {
  origins: string[]
  methods: string[] | null
  headers: string[] | null
  credentials: boolean
}

/** Fields of a change in addition to those of a function. */
export interface FunctionChange extends FunctionFields {
  /** The new image of a function that is an image. */
  image?: string
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
  max_gb_seconds_per_day?: number | null
  sandbox?: string | null
  placement?: Record<string, string> | null
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

export interface WorkerRow {
  function_id: string
  function_version: number
  worker_name: string
}
