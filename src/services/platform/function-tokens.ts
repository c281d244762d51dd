import { canonicalUuid } from '../../domain/ids.ts'
import { WorkerToken, type WorkerTokens, workerTokenPrefix } from '../../domain/platform/api-access.ts'
import type { Principal } from '../../domain/platform/principal.ts'

/**
 * Tokens with which functions call the API. Each is valid for its project while its worker exists. They are kept in memory only:
 * after a restart neither exists.
 */
export class FunctionTokens implements WorkerTokens {
  #known = new Map<string, Principal>()
  #newSecret: () => string

  constructor(newSecret: () => string) {
    this.#newSecret = newSecret
  }

  give({ functionId, functionName, projectId }: Parameters<WorkerTokens['give']>[0]): WorkerToken {
    const token = workerTokenPrefix + this.#newSecret()
    const by = { kind: 'function' as const, id: functionId, name: functionName }
    this.#known.set(token, { projectId, roles: [], isAdmin: false, scopes: ['invoke'], by })
    return new WorkerToken(token, () => this.#known.delete(token))
  }

  /** Null: unknown, or its worker has ended. A call's token also identifies the execution. */
  authenticate(sent: string): Principal | null {
    const end = sent.indexOf('.')
    const who = this.#known.get(end === -1 ? sent : sent.slice(0, end))
    if (who === undefined) return null
    const from = end === -1 ? null : canonicalUuid(sent.slice(end + 1))
    return from === null ? who : { ...who, from }
  }
}

export const isWorkerToken = (token: string): boolean => token.startsWith(workerTokenPrefix)
