import type { Scope } from '../../domain/scope.ts'
import type { Operation } from './whisk-call.ts'

/** What can be done with the entities of one kind, or with a list of them. */
export interface Collection {
  list: Operation
  get: Operation
  put?: Operation
  delete?: Operation
  /** POST: invoke, fire, switch. */
  act?: Operation
  /** Last words of paths: `…/ID/logs`. */
  parts?: Record<string, Operation>
  /** Names have a package, perhaps. */
  isDeep?: boolean
}

export interface Route {
  operation: Operation
  /** Of the entity; empty: none. */
  name: string
  scope: Scope
  takesCode: boolean
}

/** Null: there is nothing. `path`: behind the namespace. */
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
