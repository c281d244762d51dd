import type { Clock } from '../../domain/clock.ts'
import { invalid, notFound } from '../../domain/errors.ts'
import type { Fn, FunctionStore } from '../../domain/functions/function.ts'
import type { NewId } from '../../domain/ids.ts'
import type { Shares } from '../../domain/platform/limits.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { type Secret, type SecretStore, type SecretVersion, secretNamePattern } from '../../domain/platform/secret.ts'
import type { Pool } from '../../domain/platform/worker.ts'
import { dependentsToRemove, functionHolder } from '../../domain/triggers/refuse-in-use.ts'
import type { DependentLookup } from '../../domain/triggers/trigger.ts'
import type { SecretVault } from '../platform/secret-vault.ts'
import { keepWorkers } from './keep-workers.ts'
import type { Targets } from './targets.ts'

export interface SecretsParts {
  secrets: SecretStore
  functions: FunctionStore
  inUse: Pick<DependentLookup, 'ofSecret' | 'remove'>
  targets: Targets
  pool: Pool
  clock: Clock
  newId: NewId
  vault: SecretVault
  shares: Pick<Shares, 'refuseMore'>
}

/**
 * What happens to workers with the previous value: `replace` sends their next call to a new worker, `drain` lets them serve until
 * they end.
 */
export type Rotation = 'replace' | 'drain'

export interface NewSecret {
  name?: string | undefined
  value?: string | undefined
  description?: string | undefined
}

export interface NewVersion {
  value?: string | undefined
  /** An earlier version whose value becomes current again. */
  version?: number | undefined
  description?: string | undefined
  workers?: Rotation | undefined
}

/** A secret as its project sees it: everything except the value. */
export interface ShownSecret extends Secret {
  versions: Pick<SecretVersion, 'number' | 'createdAt'>[]
  /** The functions that use it. */
  usedBy: { id: string; name: string | null }[]
}

export const maxSecretBytes = 64 * 1024
/** Number of versions that are kept. */
const keptVersions = 10

/** Keeps the secrets of projects. Values can be set but not read back. */
export class Secrets {
  #parts: SecretsParts

  constructor(parts: SecretsParts) {
    this.#parts = parts
  }

  create(who: Principal, given: NewSecret): ShownSecret {
    const { secrets, vault, clock, newId } = this.#parts
    const { projectId } = who
    const name = checkedName(given.name)
    const value = checkedValue(given.value)
    this.#parts.shares.refuseMore(projectId, 'secrets', secrets.list(projectId).length)
    const createdAt = clock.now()
    const made = { id: newId(), projectId, name, description: given.description ?? null }
    const secret: Secret = { ...made, latestVersion: 1, createdAt, updatedAt: null }
    secrets.insert(secret, vault.sealed(secret, 1, value, createdAt))
    return this.#shown(secret)
  }

  /** Sets a new value, or an earlier one again. Functions see it without a deployment. */
  change(who: Principal, name: string, given: NewVersion): ShownSecret {
    const { secrets, vault, clock } = this.#parts
    const before = this.#own(who, name)
    const value = this.#newValue(before, given)
    const description = given.description ?? before.description
    const latestVersion = before.latestVersion + 1
    const now = clock.now()
    const secret: Secret = { ...before, description, latestVersion, updatedAt: now }
    secrets.addVersion(secret, vault.sealed(secret, latestVersion, value, now), keptVersions)
    if (given.workers !== 'drain') this.#replaceWorkers(this.#users(secret))
    return this.#shown(secret)
  }

  list(who: Principal): ShownSecret[] {
    return this.#parts.secrets.list(who.projectId).map((secret) => this.#shown(secret))
  }

  get(who: Principal, name: string): ShownSecret {
    return this.#shown(this.#own(who, name))
  }

  /**
   * Throws FaasError `in_use` while something uses it; `cascade` removes it from functions and deletes webhooks that verify
   * signatures with it.
   */
  async delete(who: Principal, name: string, cascade = false): Promise<void> {
    const { secrets, inUse, functions, targets, clock } = this.#parts
    const secret = this.#own(who, name)
    const users = this.#users(secret)
    const webhooks = inUse.ofSecret(who.projectId, name)
    dependentsToRemove(who, `Secret ${name}`, [...users.map(functionHolder), ...webhooks], cascade)
    await inUse.remove(webhooks)
    for (const fn of users) {
      functions.update({ ...fn, secrets: fn.secrets.filter((use) => use.name !== name), updatedAt: clock.now() })
      targets.forgetFunction(fn.id)
    }
    this.#replaceWorkers(users)
    secrets.delete(secret.id)
  }

  #own({ projectId }: Principal, name: string): Secret {
    const secret = this.#parts.secrets.find(projectId, name)
    if (secret === null) throw notFound('Secret', name)
    return secret
  }

  #newValue(secret: Secret, { value, version }: NewVersion): string {
    if (version === undefined) return checkedValue(value)
    if (value !== undefined) throw invalid('Give "value", or "version" to use an earlier value again; not both.')
    return this.#parts.vault.valueAt(secret, version)
  }

  #users({ projectId, name }: Secret): Fn[] {
    return this.#parts.functions.list(projectId).filter(({ secrets }) => secrets.some((use) => use.name === name))
  }

  /** Idle workers end now, busy ones after their calls. */
  #replaceWorkers(users: Fn[]): void {
    for (const fn of users) {
      this.#parts.pool.retire(fn.id, null, 'new_secret')
      if (fn.minWorkers > 0) keepWorkers(this.#parts, fn)
    }
  }

  #shown(secret: Secret): ShownSecret {
    const usedBy = this.#users(secret).map(({ id, name }) => ({ id, name }))
    return { ...secret, versions: this.#parts.secrets.listVersions(secret.id), usedBy }
  }
}

function checkedName(name: string | undefined): string {
  if (name === undefined || name === '')
    throw invalid('"name" is required: the name by which functions use the secret.')
  if (secretNamePattern.test(name)) return name
  throw invalid('"name" must be made of letters, digits, "_" and "-", 128 at most, and begin with a letter or "_".')
}

/** The error does not repeat the value. */
function checkedValue(value: string | undefined): string {
  if (value === undefined) throw invalid('"value" is required: the secret itself.')
  if (value === '') throw invalid('"value" must not be empty.')
  const bytes = Buffer.byteLength(value)
  if (bytes > maxSecretBytes) throw invalid(`"value" has ${bytes} bytes; at most ${maxSecretBytes} are allowed.`)
  if (value.includes('\0')) throw invalid('"value" must not hold null characters.')
  return value
}
