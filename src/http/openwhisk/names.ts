import { createHash } from 'node:crypto'
import { whiskBadRequest } from './whisk-error.ts'

/** Valid names in OpenWhisk. */

const form = /^\w(?:[\w@ .-]*[\w@.-])?$/
const longest = 256

/** A name without a package. Throws WhiskError. */
export function checkedName(name: string): string {
  if (form.test(name) && name.length <= longest) return name
  throw whiskBadRequest(
    `The name ${JSON.stringify(name.slice(0, 100))} is not allowed: it must begin with a letter, a digit or _, and have letters, digits, blanks and _@.- after it.`,
  )
}

/**
 * `name`, `package/name`, or either behind `/namespace/`: an action or package of the caller's own project. Throws WhiskError.
 */
export function readName(text: unknown): string {
  if (typeof text !== 'string' || text === '')
    throw whiskBadRequest('A name is missing: write /_/name or /_/package/name.')
  const parts = text.startsWith('/') ? text.split('/').slice(2) : text.split('/')
  if (parts.length < 1 || parts.length > 2) {
    throw whiskBadRequest(`${JSON.stringify(text.slice(0, 200))} is not a name: write /_/name or /_/package/name.`)
  }
  return parts.map(checkedName).join('/')
}

/** The function name of an action. Characters that our names do not allow are dropped, and a hash keeps such names distinct. */
export function functionNameOf(action: string): string {
  return action.split('/').map(ownPart).join('--')
}

function ownPart(part: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(part) && !part.includes('--')) return part
  const hash = createHash('sha256').update(part).digest('hex').slice(0, 8)
  return `${part.replaceAll(/[^A-Za-z0-9_]+/g, '-')}-${hash}`
}

/** The package and the name of an action. */
export function partsOf(action: string): { pkg: string | null; name: string } {
  const slash = action.indexOf('/')
  return slash === -1 ? { pkg: null, name: action } : { pkg: action.slice(0, slash), name: action.slice(slash + 1) }
}

/** `namespace` of an entity in records. */
export const namespaceOf = (project: string, action: string): string => {
  const { pkg } = partsOf(action)
  return pkg === null ? project : `${project}/${pkg}`
}
