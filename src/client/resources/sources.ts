import type { Row, TargetFields } from './row.ts'

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
