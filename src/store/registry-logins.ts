import type { PasswordSeal, RegistryCredentials, RegistryLogin, RegistrySecret } from '../domain/platform/registry.ts'
import { readJson, writeJson } from './json-file.ts'

interface Stored extends RegistryLogin {
  sealed: string
}

/** Credentials in a file of the data folder that only its owner can read, with encrypted passwords. Backups do not contain it. */
export class RegistryLogins implements RegistryCredentials {
  #file: string
  #seal: PasswordSeal
  #logins: Map<string, Stored>

  /** Throws an Error with a sentence when the file is invalid. */
  constructor(file: string, seal: PasswordSeal) {
    this.#file = file
    this.#seal = seal
    this.#logins = new Map(readJson<Stored[]>(file, []).map((login) => [login.registry, login]))
  }

  list(): RegistryLogin[] {
    return [...this.#logins.values()].map(({ sealed: _sealed, ...login }) => login)
  }

  /** Also null when the installation's key has changed: then images are pulled anonymously. */
  find(registry: string): RegistrySecret | null {
    const found = this.#logins.get(registry)
    const password = found === undefined ? null : this.#seal.unseal(registry, found.sealed)
    return found === undefined || password === null ? null : { registry, username: found.username, password }
  }

  set(login: RegistryLogin, password: string): void {
    this.#logins.set(login.registry, { ...login, sealed: this.#seal.seal(login.registry, password) })
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
