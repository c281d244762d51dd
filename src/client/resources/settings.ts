export interface SettingRow {
  name: string
  subject: string
  about: string
  /** Null: none is set, or it is secret. */
  value: string | null
  secret: boolean
  /** False: it is the default. */
  given: boolean
}
