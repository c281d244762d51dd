import type { Scope } from '../../domain/platform/scope.ts'
import type { Operation } from './whisk-call.ts'

/** The operations on entities of one kind, or on a list of them. */
export interface Collection {
  list: Operation
  get: Operation
  put?: Operation
  delete?: Operation
  /** POST: invoke an action, fire a trigger, or switch a rule. */
  act?: Operation
  /** Sub-resources at the end of a path: `…/ID/logs`. */
  parts?: Record<string, Operation>
  /** True when names may contain a package. */
  isDeep?: boolean
}

export interface Route {
  operation: Operation
  /** Name of the entity; empty: none. */
  name: string
  scope: Scope
  takesCode: boolean
}

/** Null: no such route. `path`: the segments behind the namespace. */
export function routeOf(collections: Record<string, Collection>, method: string, path: string[]): Route | null {
  const [word = '', ...rest] = path
  const collection = Object.hasOwn(collections, word) ? collections[word] : undefined
  if (collection === undefined) return null
  const found = (operation: Operation | undefined, name: string, scope: Scope): Route | null =>
    operation === undefined ? null : { operation, name, scope, takesCode: word === 'actions' && method === 'PUT' }
  const name = rest.join('/')
  const isList = rest.length === 0 || (collection.isDeep === true && rest.length === 2 && rest[1] === '')
  if (isList) return method === 'GET' ? found(collection.list, rest[0] ?? '', 'read') : null
  const part = rest.length === 2 ? collection.parts?.[rest[1] as string] : undefined
  if (part !== undefined) return method === 'GET' ? found(part, rest[0] as string, 'read') : null
  if (rest.length > (collection.isDeep === true ? 2 : 1) || rest.includes('')) return null
  if (method === 'GET') return found(collection.get, name, 'read')
  if (method === 'PUT') return found(collection.put, name, 'deploy')
  if (method === 'DELETE') return found(collection.delete, name, 'deploy')
  return method === 'POST'
    ? found(collection.act, name, word === 'rules' || word === 'packages' ? 'deploy' : 'invoke')
    : null
}
