/** What the API shows and takes, as its JSON has it. `/openapi.json` says what each field means. */

export interface Row {
  id: string
  project_id: string
  created_at: string
  updated_at: string | null
}

/** What a trigger or an execution is of. */
export interface TargetFields {
  function_id?: string
  function_version?: number
  function_alias?: string
}

/** Filters and pages of a list; a filter is a value, or `op:value`. */
export interface ListQuery {
  limit?: number
  /** Id of the last row of the page before. */
  marker?: string
  all_projects?: boolean
  [filter: string]: string | number | boolean | undefined
}
