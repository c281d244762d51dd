import type { Row } from './row.ts'

export interface VersionRow extends Row {
  description: string | null
  function_id: string
  version_number: number
  count: number
}
