import type { Row } from './row.ts'

export interface AliasRow extends Row {
  name: string
  description: string | null
  function_id: string
  function_version: number
  /** Shares of calls of further versions; absent: none. */
  weights?: Record<string, number>
}

export interface AliasFields {
  function_id?: string
  function_version?: number
  weights?: Record<string, number> | null
  description?: string
}
