import type { Row } from './row.ts'

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
