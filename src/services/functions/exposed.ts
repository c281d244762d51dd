import { type Fn, type FunctionStore, isApp } from '../../domain/function.ts'
import { canonicalUuid } from '../../domain/ids.ts'

/** Functions that can be found without a token, by what a request says of them. */
interface Known {
  publicByName: Map<string, Fn>
  byHost: Map<string, Fn>
  withCors: Fn[]
  /** Names and ids of apps, whose callers may bring their token as the key of a function. */
  apps: Set<string>
}

/** Finds functions that are open to callers whom nobody knows. Kept in memory until a function is written. */
export class Exposed {
  #functions: FunctionStore
  #known: Known | null = null

  constructor(functions: FunctionStore) {
    this.#functions = functions
  }

  /** To be called by whoever writes a function. */
  forget(): void {
    this.#known = null
  }

  /** The function that lives at a host name of its own. */
  atHost(host: string): Fn | undefined {
    const { byHost } = this.#now()
    return byHost.size === 0 ? undefined : byHost.get(host)
  }

  get hasHosts(): boolean {
    return this.#now().byHost.size > 0
  }

  /** By name, which no two public functions share, or by id. */
  publicFunction(nameOrId: string): Fn | undefined {
    const { publicByName } = this.#now()
    const named = publicByName.get(nameOrId)
    if (named !== undefined) return named
    const id = canonicalUuid(nameOrId)
    const fn = id === null ? null : this.#functions.find(id)
    return fn?.access === 'public' ? fn : undefined
  }

  /**
   * Functions of that name or id, of whatever project, that say which other origins may call: a browser that asks
   * beforehand sends no token, so that nobody knows whose function it means.
   */
  named(nameOrId: string): Fn[] {
    const { withCors } = this.#now()
    return withCors.filter(({ id, name }) => name === nameOrId || id === nameOrId)
  }

  /** In whatever project. */
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
