/** A setting of the server with its effective value. */
export interface SettingInEffect {
  /** Its environment variable. */
  name: string
  subject: string
  about: string
  /** In the variable's format; null: not set, or secret. */
  value: string | null
  isSecret: boolean
  /** True when the environment sets it; false: the default. */
  isGiven: boolean
}
