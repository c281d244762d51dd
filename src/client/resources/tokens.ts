export type Scope = 'read' | 'invoke' | 'deploy' | 'admin'

export interface TokenRow {
  id: string
  name: string
  project_id: string
  roles: string[]
  /** Null: everything that the roles allow. */
  scopes: Scope[] | null
  /** Null: any function. */
  function_id: string | null
  created_at: string
  expires_at: string | null
  last_used_at: string | null
  /** Expiry of the token before its rotation. */
  previous_until: string | null
}

export interface WhoAmI {
  kind: 'token' | 'user' | 'function' | 'open'
  id: string | null
  name: string | null
  project_id: string
  roles: string[]
  scopes: Scope[] | null
  function_id: string | null
  expires_at: string | null
}

export interface TokenFields {
  name: string
  project_id?: string
  roles?: string[]
  scopes?: string[]
  /** Name or id. */
  function?: string
  /** Seconds. */
  expires_in?: number
}
