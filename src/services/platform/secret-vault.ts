import { FaasError, notFound } from '../../domain/errors.ts'
import type {
  BoundSecrets,
  Secret,
  SecretReader,
  SecretStore,
  SecretUse,
  SecretVersion,
} from '../../domain/platform/secret.ts'
import { keyIdOf, seal, unseal } from './sealing.ts'

/** The only holder of the installation's key: encrypts values, and decrypts them for code that acts for the project. */
export class SecretVault implements SecretReader {
  #secrets: SecretStore
  #key: Buffer
  #keyId: string

  constructor(secrets: SecretStore, key: Buffer) {
    this.#secrets = secrets
    this.#key = key
    this.#keyId = keyIdOf(key)
  }

  /** Number of values that the installation's key cannot decrypt. */
  get lost(): number {
    return this.#secrets.countSealedOtherwise(this.#keyId)
  }

  sealed(secret: Secret, number: number, value: string, createdAt: number): SecretVersion {
    const sealed = seal(this.#key, belonging(secret, number), value)
    return { secretId: secret.id, number, sealed, keyId: this.#keyId, createdAt }
  }

  /** For confidential values that are not a project's secrets; `purpose` names the use. */
  sealText(purpose: string, text: string): string {
    return seal(this.#key, purpose, text).toString('base64url')
  }

  /** Null: encrypted with another key or for another purpose, or changed since. */
  unsealText(purpose: string, sealed: string): string | null {
    return unseal(this.#key, purpose, Buffer.from(sealed, 'base64url'))
  }

  open(projectId: string, name: string): string {
    const secret = this.#secrets.find(projectId, name)
    if (secret === null) throw notFound('Secret', name)
    return this.valueAt(secret, secret.latestVersion)
  }

  /** Throws FaasError: `not_found`, or `internal` when the value was encrypted with another key. */
  valueAt(secret: Secret, number: number): string {
    const version = this.#secrets.findVersion(secret.id, number)
    if (version === null) throw notFound(`Version ${number} of secret`, secret.name)
    const value = unseal(this.#key, belonging(secret, number), version.sealed)
    if (value === null) throw cannotBeOpened(secret.name)
    return value
  }

  bound(projectId: string, uses: readonly SecretUse[]): BoundSecrets {
    const found: BoundSecrets = { env: {}, files: {} }
    for (const { name, as, to } of uses) found[as === 'env' ? 'env' : 'files'][to] = this.open(projectId, name)
    return found
  }
}

/** Authenticated together with the value. */
const belonging = ({ id, projectId }: Secret, number: number): string => `${projectId}/${id}/${number}`

const cannotBeOpened = (name: string): FaasError =>
  new FaasError(
    'internal',
    `Secret ${name} was sealed with another key: restore the secret.key that sealed it, or set the secret again.`,
  )
