/** A setting of the server as it is in effect. */
export interface SettingInEffect {
  /** Its variable. */
  name: string
  subject: string
  about: string
  /** As the variable would have it; null: there is none, or it is a secret. */
  value: string | null
  isSecret: boolean
  /** Whether the environment says so, not the default. */
  isGiven: boolean
}
