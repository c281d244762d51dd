/** The difference between the manifest and the server. */

/** One change. Nothing changes before it is taken. */
export interface Step {
  kind: 'create' | 'change' | 'remove'
  /** For example `function greet` or `job greet/morning`. */
  what: string
  /** The differences, for people. */
  details: string[]
  take(): Promise<void>
}

/** The fields that are other than there. */
export function changedFields<T extends object>(fields: T, there: object): T {
  const differs = ([field, value]: [string, unknown]) =>
    canonical(there[field as keyof typeof there]) !== canonical(value)
  return Object.fromEntries(Object.entries(fields).filter(differs)) as T
}

/** Makes the order of keys irrelevant; that of lists matters. */
export function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  if (Array.isArray(value)) return JSON.stringify(value.map(canonical))
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(sorted.map(([key, one]) => [key, canonical(one)]))
}
