export interface HttpRequestHead {
  method: string
  /** Path with query, below `prefix`. */
  target: string
  /** Path of the function in the caller's URL: `/fn/hello`; empty: the root. No trailing slash. */
  prefix: string
  /** The caller's whole URL. */
  url: string
  headers: [string, string][]
  /** Base64 of the raw body; absent: the input is the body; null: too long to be sent in addition to the input. */
  body?: string | null
  /** For apps: what the request's key permits. Absent: no key. */
  key?: 'function' | 'admin'
}
