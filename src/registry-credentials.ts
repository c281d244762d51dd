import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import { type PasswordSeal, type RegistrySecret, registryOf } from './domain/platform/registry.ts'
import { seal, unseal } from './services/platform/sealing.ts'
import { ensureSecretKey } from './services/platform/secret-key.ts'
import { RegistryLogins } from './store/registry-logins.ts'

/** The installation's logins at image registries, in its data folder, encrypted with the secrets' key. */

type Place = Pick<Config, 'dataDir' | 'secretKey' | 'secretKeyFile'>

const fileIn = (dataDir: string): string => join(dataDir, 'registries.json')

/** `key`: the key of the secrets. */
export const registryLogins = (dataDir: string, key: Buffer): RegistryLogins =>
  new RegistryLogins(fileIn(dataDir), sealOf(key))

/** Credentials for pulls without a server: anonymous where none are stored; changes nothing. Throws as the server would. */
export function storedCredentials({ dataDir, ...given }: Place): (image: string) => RegistrySecret | null {
  if (!existsSync(fileIn(dataDir))) return () => null
  const logins = registryLogins(dataDir, ensureSecretKey(join(dataDir, 'secret.key'), given))
  return (image) => logins.find(registryOf(image))
}

const sealOf = (key: Buffer): PasswordSeal => ({
  seal: (registry, password) => seal(key, `registry/${registry}`, password).toString('base64'),
  unseal: (registry, sealed) => unseal(key, `registry/${registry}`, Buffer.from(sealed, 'base64')),
})
