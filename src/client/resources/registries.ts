export interface RegistryRow {
  registry: string
  username: string
  created_at: string
  /** In the response to a login: the registry accepted it; false: the registry could not be reached. */
  checked?: boolean
}
