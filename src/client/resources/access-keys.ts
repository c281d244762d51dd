/** Stands for a token where callers sign what they send. */
export interface AccessKeyRow {
  access_key_id: string
  name: string
  /** Null: the admin token of the installation. */
  token_id: string | null
  project_id: string
  created_at: string
}

export interface AccessKeyFields {
  name: string
  token_id?: string
}
