import { badRequest } from './whisk-error.ts'

/** What clients call a runtime, and which of ours that is: a row each. */
interface Family {
  /** How its kinds begin, before the colon. */
  prefix: string
  runtime: string
  /** What functions of it are shown as that were made in another way, and what `default` means. */
  kind: string
  extension: string
}

const families: Family[] = [
  { prefix: 'nodejs', runtime: 'nodejs', kind: 'nodejs:20', extension: 'js' },
  { prefix: 'python', runtime: 'python3', kind: 'python:3', extension: 'py' },
]

export const imageKind = 'blackbox'
export const sequenceKind = 'sequence'

/** Throws WhiskError for a language that is not here. */
export function familyOf(kind: string): Family {
  const prefix = kind.split(':', 1)[0]
  const family = families.find((family) => family.prefix === prefix)
  if (family !== undefined) return family
  const known = [...families.map(({ prefix }) => `${prefix}:*`), imageKind, sequenceKind].join(', ')
  throw badRequest(`The kind '${kind.slice(0, 100)}' is not in the set of supported kinds: ${known}.`)
}

/** `default` is said by what it means. */
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
