export interface SettingRow {
  name: string
  subject: string
  about: string
  /** Null: not set, or secret. */
  value: string | null
  secret: boolean
  /** False: the default. */
  given: boolean
}
