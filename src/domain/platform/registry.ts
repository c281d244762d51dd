import { invalid } from '../errors.ts'

/** The installation's login at an image registry. */
export interface RegistryLogin {
  /** Host, with an optional port: `ghcr.io`. */
  registry: string
  username: string
  createdAt: number
}

export interface RegistrySecret {
  registry: string
  username: string
  password: string
}

/** Stored credentials. Only `find` returns a password, and only code that asks the engine for an image calls it. */
export interface RegistryCredentials {
  list(): RegistryLogin[]
  find(registry: string): RegistrySecret | null
  set(login: RegistryLogin, password: string): void
  remove(registry: string): boolean
}

/** Encrypts and decrypts stored passwords. */
export interface PasswordSeal {
  seal(registry: string, password: string): string
  /** Null: encrypted with another key. */
  unseal(registry: string, sealed: string): string | null
}

/** The registry of names without a host. */
export const defaultRegistry = 'docker.io'

/** The registry of an image: the first part of its name, if that is a host. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return isHost && first !== 'index.docker.io' ? first : defaultRegistry
}

const registryForm = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?|\[[0-9a-fA-F:]{2,45}\])(?::\d{1,5})?$/

/** Throws FaasError `invalid_request` for an invalid host. */
export function checkedRegistry(text: string): string {
  if (registryForm.test(text)) return text === 'index.docker.io' ? defaultRegistry : text.toLowerCase()
  throw invalid(
    `A registry is named by its host, such as ghcr.io or registry.example.org:5000, not ${JSON.stringify(text.slice(0, 100))}.`,
  )
}
