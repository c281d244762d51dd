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
