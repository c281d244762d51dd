import { invalid } from './errors.ts'

/** Who this installation is at an image registry. */
export interface RegistryLogin {
  /** Host, with a port where it has one: `ghcr.io`. */
  registry: string
  username: string
  createdAt: number
}

export interface RegistrySecret {
  registry: string
  username: string
  password: string
}

/** Where credentials are kept. Nothing but `find` gives a password, and only to what asks the engine for an image. */
export interface RegistryCredentials {
  list(): RegistryLogin[]
  find(registry: string): RegistrySecret | null
  set(login: RegistryLogin, password: string): void
  remove(registry: string): boolean
}

/** Makes a password unreadable where it is kept, and readable again for who asks. */
export interface PasswordSeal {
  seal(registry: string, password: string): string
  /** Null: another key sealed it. */
  unseal(registry: string, sealed: string): string | null
}

/** The registry that engines mean where a name says none. */
export const defaultRegistry = 'docker.io'

/** The registry that an image comes from: the first part of a name, where that is a host. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return isHost && first !== 'index.docker.io' ? first : defaultRegistry
}

const registryForm = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?|\[[0-9a-fA-F:]{2,45}\])(?::\d{1,5})?$/

/** Throws FaasError `invalid_request` for what is no host. */
export function checkedRegistry(text: string): string {
  if (registryForm.test(text)) return text === 'index.docker.io' ? defaultRegistry : text.toLowerCase()
  throw invalid(
    `A registry is named by its host, such as ghcr.io or registry.example.org:5000; ${JSON.stringify(text.slice(0, 100))} is none.`,
  )
}
