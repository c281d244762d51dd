/** Rows as the API's JSON has them. `/openapi.json` describes each field. */

export interface Row {
  id: string
  project_id: string
  created_at: string
  updated_at: string | null
}

/** The target of a trigger or an execution. */
export interface TargetFields {
  function_id?: string
  function_version?: number
  function_alias?: string
}

/** Filters and page of a list; a filter is a value, or `op:value`. */
export interface ListQuery {
  limit?: number
  /** Id of the last row of the previous page. */
  marker?: string
  all_projects?: boolean
  [filter: string]: string | number | boolean | undefined
}
