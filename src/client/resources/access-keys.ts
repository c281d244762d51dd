/** Stands for a token where callers sign requests. */
export interface AccessKeyRow {
  access_key_id: string
  name: string
  /** Null: the installation's admin token. */
  token_id: string | null
  project_id: string
  created_at: string
}

export interface AccessKeyFields {
  name: string
  token_id?: string
}
