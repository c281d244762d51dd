/** Prefix of secrets that become variables of the project's builds, without the prefix. */
export const buildSecretPrefix = 'BUILD_'

/** A named value of a project, encrypted at rest: functions see it, and nobody can read it back. */
export interface Secret {
  id: string
  projectId: string
  name: string
  description: string | null
  /** Number of the current version. */
  latestVersion: number
  createdAt: number
  updatedAt: number | null
}

/** One current or former value of a secret. */
export interface SecretVersion {
  secretId: string
  number: number
  /** The value encrypted with the installation's key, see `services/platform/sealing.ts`. */
  sealed: Buffer
  /** Identifies the key. */
  keyId: string
  createdAt: number
}

/** How a function sees a secret: as an environment variable, or as a file in memory. */
export interface SecretUse {
  name: string
  as: 'env' | 'file'
  /** Name of the variable or the file. */
  to: string
}

/** The secrets that a worker gets when it is bound. */
export interface BoundSecrets {
  env: Record<string, string>
  files: Record<string, string>
}

/**
 * Reads secret values for workers that are bound, and for code that verifies signatures or logs in for a project. Throws
 * FaasError: `not_found`, or `internal` when the value was encrypted with another key. Never put the result into a record, log or
 * response.
 */
export interface SecretReader {
  open(projectId: string, name: string): string
  bound(projectId: string, uses: readonly SecretUse[]): BoundSecrets
}

export interface SecretStore {
  /** Throws FaasError `conflict` when the project has a secret of that name. */
  insert(secret: Secret, version: SecretVersion): void
  /** Adds a version, which becomes current; only the newest `keep` versions remain. */
  addVersion(secret: Secret, version: SecretVersion, keep: number): void
  delete(id: string): boolean
  find(projectId: string, name: string): Secret | null
  /** By name; of all projects when null. */
  list(projectId: string | null): Secret[]
  findVersion(secretId: string, number: number): SecretVersion | null
  /** Without their values, the newest first. */
  listVersions(secretId: string): Pick<SecretVersion, 'number' | 'createdAt'>[]
  /** Number of versions encrypted with another key than this. */
  countSealedOtherwise(keyId: string): number
}

export const secretNamePattern = /^[A-Za-z_][A-Za-z0-9_-]{0,127}$/
