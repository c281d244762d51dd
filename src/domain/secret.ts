/** A named value of a project, encrypted at rest: functions see it, and nobody reads it back. */
export interface Secret {
  id: string
  projectId: string
  name: string
  description: string | null
  /** Number of the version that is handed out. */
  latestVersion: number
  createdAt: number
  updatedAt: number | null
}

/** One value that a secret had or has. */
export interface SecretVersion {
  secretId: string
  number: number
  /** The value under the installation's key; `services/platform/sealing.ts` knows how. */
  sealed: Buffer
  /** Tells which key opens it. */
  keyId: string
  createdAt: number
}

/** How a function sees a secret: as an environment variable, or as a file in memory. */
export interface SecretUse {
  name: string
  as: 'env' | 'file'
  /** Name of the variable or of the file. */
  to: string
}

/** What a worker is handed when it is bound. */
export interface BoundSecrets {
  env: Record<string, string>
  files: Record<string, string>
}

/**
 * Whoever needs the value itself: workers when they are bound, and those who check signatures or log in somewhere on behalf of
 * a project. Throws FaasError: `not_found`, and `internal` when the value was sealed with another key. What it returns goes
 * into no record, log or answer.
 */
export interface SecretReader {
  open(projectId: string, name: string): string
  bound(projectId: string, uses: readonly SecretUse[]): BoundSecrets
}

export interface SecretStore {
  /** Throws FaasError `conflict` when the project has one of that name. */
  insert(secret: Secret, version: SecretVersion): void
  /** A further version, which is the one handed out from now on; only so many of the newest stay. */
  addVersion(secret: Secret, version: SecretVersion, keep: number): void
  delete(id: string): boolean
  find(projectId: string, name: string): Secret | null
  /** By name; of all projects when null. */
  list(projectId: string | null): Secret[]
  findVersion(secretId: string, number: number): SecretVersion | null
  /** Without their values, the newest first. */
  listVersions(secretId: string): Pick<SecretVersion, 'number' | 'createdAt'>[]
  /** How many versions were sealed with another key than this. */
  countSealedOtherwise(keyId: string): number
}

export const secretNamePattern = /^[A-Za-z_][A-Za-z0-9_-]{0,127}$/
