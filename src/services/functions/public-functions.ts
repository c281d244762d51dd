import { type Fn, type FunctionStore, isApp } from '../../domain/functions/function.ts'
import { canonicalUuid } from '../../domain/ids.ts'

/** Functions that may be called without a token, by name, id and host. */
interface Known {
  publicByName: Map<string, Fn>
  byHost: Map<string, Fn>
  withCors: Fn[]
  /** Names and ids of apps, whose callers may send their token as a function key. */
  apps: Set<string>
}

/** Finds functions that anonymous callers may reach. The index is kept in memory until a function is written. */
export class PublicFunctions {
  #functions: FunctionStore
  #known: Known | null = null

  constructor(functions: FunctionStore) {
    this.#functions = functions
  }

  /** Must be called by whoever writes a function. */
  forget(): void {
    this.#known = null
  }

  /** The function with this host name. */
  atHost(host: string): Fn | undefined {
    const { byHost } = this.#now()
    return byHost.size === 0 ? undefined : byHost.get(host)
  }

  get hasHosts(): boolean {
    return this.#now().byHost.size > 0
  }

  /** Finds by id, or by name: no two public functions share a name. */
  publicFunction(nameOrId: string): Fn | undefined {
    const { publicByName } = this.#now()
    const named = publicByName.get(nameOrId)
    if (named !== undefined) return named
    const id = canonicalUuid(nameOrId)
    const fn = id === null ? null : this.#functions.find(id)
    return fn?.access === 'public' ? fn : undefined
  }

  /**
   * Functions with that name or id, of any project, that allow other origins: a preflight request carries no token, so the
   * project is unknown.
   */
  named(nameOrId: string): Fn[] {
    const { withCors } = this.#now()
    return withCors.filter(({ id, name }) => name === nameOrId || id === nameOrId)
  }

  /** Searches all projects. */
  hasApp(nameOrId: string): boolean {
    return this.#now().apps.has(nameOrId)
  }

  #now(): Known {
    this.#known ??= this.#read()
    return this.#known
  }

  #read(): Known {
    const all = this.#functions.list(null)
    const open = all.filter(({ access, name }) => access === 'public' && name !== null)
    return {
      publicByName: new Map(open.map((fn) => [fn.name as string, fn])),
      byHost: new Map(all.flatMap((fn) => fn.hosts.map((host) => [host, fn] as const))),
      withCors: all.filter(({ cors }) => cors !== null),
      apps: new Set(all.filter(isApp).flatMap(({ id, name }) => (name === null ? [id] : [id, name]))),
    }
  }
}
