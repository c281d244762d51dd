export interface HttpRequestHead {
  method: string
  /** Path with query, below `prefix`. */
  target: string
  /** Path at which the function lives, as the caller wrote it: `/fn/hello`; empty: at the root. No slash at its end. */
  prefix: string
  /** The whole URL as the caller wrote it. */
  url: string
  headers: [string, string][]
  /** Base64 of the body as it came; absent: the input is it; null: too long to be told beside the input. */
  body?: string | null
  /** Of apps: the key that came with it is good for this. Absent: none came. */
  key?: 'function' | 'admin'
}
