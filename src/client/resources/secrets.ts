import type { Row } from './row.ts'

/** No response contains the value. */
export interface SecretRow extends Row {
  name: string
  description: string | null
  version: number
  versions: { version: number; created_at: string }[]
  used_by: { id: string; name: string | null }[]
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
