import type { Row } from './row.ts'

export interface BuildRow extends Row {
  function_id: string | null
  function_name: string | null
  runtime: string | null
  list: string
  status: 'running' | 'success' | 'failed' | 'superseded' | 'interrupted'
  cached: boolean
  bundle: boolean
  size: number | null
  error: string | null
  ended_at: string | null
}
