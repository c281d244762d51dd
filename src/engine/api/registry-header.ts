import { type RegistrySecret, registryOf } from '../../domain/platform/registry.ts'

/** As engines know the default registry. */
export const registryAddress = (registry: string): string =>
  registry === registryOf('') ? 'https://index.docker.io/v1/' : registry

/** The header that tells the engine who asks a registry; none: nobody in particular. */
export function registryHeader(secret: RegistrySecret | null): { headers?: Record<string, string> } {
  if (secret === null) return {}
  const { registry, username, password } = secret
  const auth = JSON.stringify({ username, password, serveraddress: registryAddress(registry) })
  // Engines read it with its padding: without, they lose its end, and ask as nobody.
  const text = Buffer.from(auth).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
  return { headers: { 'X-Registry-Auth': text } }
}
