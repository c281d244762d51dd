import type { Row, TargetFields } from './row.ts'

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
  /** Runs skipped since the server started, the newest first. */
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
  /** Position of the seconds among six fields; the API shows them last. */
  seconds?: 'last' | 'first'
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
