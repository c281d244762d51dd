export interface BackupRow {
  name: string
  size_bytes: number
  created_at: string
}
