export interface RegistryRow {
  registry: string
  username: string
  created_at: string
  /** In the answer to a login: the registry accepted it; false: it could not be asked. */
  checked?: boolean
}
