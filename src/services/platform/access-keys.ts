import { randomBytes, randomInt } from 'node:crypto'
import type { Clock } from '../../domain/clock.ts'
import { invalid, notAllowed, notFound } from '../../domain/errors.ts'
import type { AccessKey, AccessKeyStore } from '../../domain/platform/access-key.ts'
import type { Shares } from '../../domain/platform/limits.ts'
import { canSee, type Principal } from '../../domain/platform/principal.ts'
import type { SecretVault } from './secret-vault.ts'
import type { Tokens } from './tokens.ts'

export interface AccessKeysParts {
  keys: AccessKeyStore
  tokens: Tokens
  vault: Pick<SecretVault, 'sealText' | 'unsealText'>
  clock: Clock
  shares: Pick<Shares, 'refuseMore'>
}

export interface NewAccessKey {
  name?: string
  /** Default: the token of the request. */
  tokenId?: string
}

/** The principal of a key, and the secret of its signatures. */
export interface Signer {
  who: Principal
  secret: string
}

/** Access keys: pairs of id and secret that stand for tokens. The secret is shown once, at creation, and stored encrypted. */
export class AccessKeys {
  #parts: AccessKeysParts
  #known = new Map<string, AccessKey>()
  /** Decrypted at the first use. */
  #secrets = new Map<string, string>()

  constructor(parts: AccessKeysParts) {
    this.#parts = parts
    for (const key of parts.keys.list()) this.#known.set(key.id, key)
  }

  /** Null: the key does not exist, its token is not valid any more, or its secret was encrypted with another key. */
  signer(id: string): Signer | null {
    const key = this.#known.get(id)
    if (key === undefined) return null
    const who = this.#parts.tokens.standsFor(key.tokenId)
    const secret = this.#secretOf(key)
    return who === null || secret === null ? null : { who, secret }
  }

  list(who: Principal): AccessKey[] {
    return this.#parts.keys.list().filter(({ projectId }) => canSee(who, projectId))
  }

  /** Returns the secret, which is not shown again. */
  create(who: Principal, { name = '', tokenId }: NewAccessKey): { key: AccessKey; secret: string } {
    const { tokens, vault, clock, keys } = this.#parts
    if (name.trim() === '') throw invalid('"name" is required and must not be empty: say what the key is for.')
    const token = tokenId === undefined ? tokens.idOf(who) : this.#tokenOfOthers(who, tokenId)
    if (token === undefined)
      throw invalid('Access keys represent API tokens: call with one, or name one in "token_id".')
    const principal = tokens.standsFor(token)
    if (principal === null) throw notFound('Token', String(token))
    const ofProject = keys.list().filter(({ projectId }) => projectId === principal.projectId)
    this.#parts.shares.refuseMore(principal.projectId, 'access_keys', ofProject.length)
    const id = newId()
    const secret = randomBytes(30).toString('base64')
    const sealedSecret = vault.sealText(purposeOf(id), secret)
    const { projectId } = principal
    const key: AccessKey = { id, name, tokenId: token, projectId, sealedSecret, createdAt: clock.now() }
    keys.insert(key)
    this.#known.set(id, key)
    return { key, secret }
  }

  /** Requests signed with it are refused from now on. */
  delete(who: Principal, id: string): void {
    const key = this.#known.get(id)
    if (key === undefined || !canSee(who, key.projectId)) throw notFound('Access key', id)
    this.#parts.keys.delete(id)
    this.#known.delete(id)
    this.#secrets.delete(id)
  }

  #tokenOfOthers(who: Principal, tokenId: string): string {
    if (!who.isAdmin && this.#parts.tokens.idOf(who) !== tokenId) {
      throw notAllowed('a key for another token needs the admin role.')
    }
    return tokenId
  }

  #secretOf({ id, sealedSecret }: AccessKey): string | null {
    const known = this.#secrets.get(id)
    if (known !== undefined) return known
    const secret = this.#parts.vault.unsealText(purposeOf(id), sealedSecret)
    if (secret !== null) this.#secrets.set(id, secret)
    return secret
  }
}

const purposeOf = (id: string): string => `access-key ${id}`

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Same format as AWS access key ids: capital letters and digits, with a prefix that names the issuer. */
const newId = (): string => `TBAK${Array.from({ length: 16 }, () => letters[randomInt(letters.length)]).join('')}`
