import type { Clock } from '../../domain/clock.ts'
import { invalid, notFound } from '../../domain/errors.ts'
import { type Principal, requireAdmin } from '../../domain/platform/principal.ts'
import {
  checkedRegistry,
  type RegistryCredentials,
  type RegistryLogin,
  type RegistrySecret,
} from '../../domain/platform/registry.ts'

export interface RegistriesParts {
  credentials: RegistryCredentials
  /** Asks the registry; throws FaasError `invalid_request` when it refuses the credentials. */
  check(secret: RegistrySecret): Promise<'accepted' | 'unknown'>
  clock: Clock
}

/** The installation's credentials for image registries. Passwords can be set but not read back. */
export class Registries {
  #parts: RegistriesParts

  constructor(parts: RegistriesParts) {
    this.#parts = parts
  }

  list(who: Principal): RegistryLogin[] {
    requireAdmin(who, 'Listing registries')
    return this.#parts.credentials.list()
  }

  /** `unknown`: the registry could not be reached; the credentials are stored anyway. */
  async logIn(
    who: Principal,
    host: string,
    given: { username?: string | undefined; password?: string | undefined },
  ): Promise<{ login: RegistryLogin; checked: 'accepted' | 'unknown' }> {
    requireAdmin(who, 'Logging in to a registry')
    const registry = checkedRegistry(host)
    const { username, password } = given
    if (!username || !password) throw invalid('"username" and "password" are required.')
    const checked = await this.#parts.check({ registry, username, password })
    const login = { registry, username, createdAt: this.#parts.clock.now() }
    this.#parts.credentials.set(login, password)
    return { login, checked }
  }

  logOut(who: Principal, host: string): void {
    requireAdmin(who, 'Logging out of a registry')
    if (!this.#parts.credentials.remove(checkedRegistry(host))) throw notFound('A login at registry', host)
  }
}
