import type { WhoAmI } from './tokens.ts'

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
