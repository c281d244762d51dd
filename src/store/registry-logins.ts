import type { RegistryCredentials, RegistryLogin, RegistrySecret } from '../domain/registry.ts'
import { readJson, writeJson } from './json-file.ts'

interface Stored extends RegistryLogin {
  password: string
}

/** Credentials in a file of the data folder that its owner alone can read. It is in no backup. */
export class RegistryLogins implements RegistryCredentials {
  #file: string
  #logins: Map<string, Stored>

  /** Throws an Error with a sentence when the file is there and cannot be understood. */
  constructor(file: string) {
    this.#file = file
    this.#logins = new Map(readJson<Stored[]>(file, []).map((login) => [login.registry, login]))
  }

  list(): RegistryLogin[] {
    return [...this.#logins.values()].map(({ password: _password, ...login }) => login)
  }

  find(registry: string): RegistrySecret | null {
    const found = this.#logins.get(registry)
    return found === undefined ? null : { registry, username: found.username, password: found.password }
  }

  set(login: RegistryLogin, password: string): void {
    this.#logins.set(login.registry, { ...login, password })
    this.#write()
  }

  remove(registry: string): boolean {
    const wasThere = this.#logins.delete(registry)
    if (wasThere) this.#write()
    return wasThere
  }

  #write(): void {
    writeJson(this.#file, [...this.#logins.values()])
  }
}
