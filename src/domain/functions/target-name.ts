/** A function in an address or a field: `hello`, `hello@live` (an alias of it), `hello:3` (a version). */
export interface TargetName {
  /** Name or id. */
  function: string
  alias: string | null
  /** Null: none. */
  version: number | null
}

/** Names of functions contain neither sign. Runs in linear time; null: the text names neither an alias nor a version. */
export function parseTargetName(text: string): TargetName | null {
  const at = text.search(/[@:]/)
  if (at < 1 || at === text.length - 1) return null
  const [name, rest] = [text.slice(0, at), text.slice(at + 1)]
  if (text[at] === '@') return { function: name, alias: rest, version: null }
  return /^\d{1,9}$/.test(rest) ? { function: name, alias: null, version: Number(rest) } : null
}
