import { whiskBadRequest } from './whisk-error.ts'

/** Maps OpenWhisk's kinds to our runtimes, one row per language. */
interface Family {
  /** Prefix of its kinds, before the colon. */
  prefix: string
  runtime: string
  /** Kind shown for functions that were created in other ways, and the meaning of `default`. */
  kind: string
  extension: string
}

const families: Family[] = [
  { prefix: 'nodejs', runtime: 'nodejs', kind: 'nodejs:20', extension: 'js' },
  { prefix: 'python', runtime: 'python3', kind: 'python:3', extension: 'py' },
]

export const imageKind = 'blackbox'
export const sequenceKind = 'sequence'

/** Throws WhiskError for an unknown language. */
export function familyOf(kind: string): Family {
  const prefix = kind.split(':', 1)[0]
  const family = families.find((family) => family.prefix === prefix)
  if (family !== undefined) return family
  const known = [...families.map(({ prefix }) => `${prefix}:*`), imageKind, sequenceKind].join(', ')
  throw whiskBadRequest(`The kind '${kind.slice(0, 100)}' is not in the set of supported kinds: ${known}.`)
}

/** `default` is replaced by its meaning. */
export function shownKind(kind: string): string {
  return kind.endsWith(':default') ? familyOf(kind).kind : kind
}

export const kindOfRuntime = (runtime: string | null): string =>
  families.find((family) => runtime?.endsWith(family.runtime))?.kind ?? runtime ?? 'unknown'

/** `runtimes` of the API's description. */
export const runtimesShown = (): object =>
  Object.fromEntries(
    families.map(({ prefix, kind, runtime }) => [
      prefix,
      [
        {
          kind,
          default: true,
          deprecated: false,
          attached: true,
          requireMain: false,
          image: { prefix: 'taibai', name: runtime, tag: 'latest' },
        },
      ],
    ]),
  )
