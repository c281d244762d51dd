import { beforeEach, describe, expect, it } from 'vitest'
import type { TokenStore } from '../../../src/domain/platform/token.ts'
import { aToken } from '../builders.ts'

/** What every TokenStore promises. */
export function tokenStoreContract(open: () => TokenStore): void {
  describe('tokens', () => {
    let tokens: TokenStore

    beforeEach(() => {
      tokens = open()
    })

    it('are refused when one with that hash is kept', () => {
      tokens.insert(aToken({ hash: 'same' }))
      expect(() => tokens.insert(aToken({ hash: 'same' }))).toThrow(expect.objectContaining({ code: 'conflict' }))
    })

    it('come back as they were written, by time', () => {
      const rotated = { lastUsedAt: 3, previousHash: 'before', previousUntil: 4 }
      const second = aToken({
        createdAt: 2,
        roles: ['admin', 'member'],
        scopes: ['read'],
        functionId: 'f',
        expiresAt: 9,
        ...rotated,
      })
      const first = aToken({ createdAt: 1, roles: [] })
      for (const token of [second, first]) tokens.insert(token)
      expect(tokens.list()).toEqual([first, second])
    })

    it('are changed as they are written, and note their use', () => {
      const token = aToken()
      tokens.insert(token)
      const changed = { ...token, hash: 'new', previousHash: token.hash, previousUntil: 9, scopes: ['invoke' as const] }
      tokens.update(changed)
      tokens.noteUsed([token.id], 7)
      expect(tokens.list()).toEqual([{ ...changed, lastUsedAt: 7 }])
    })

    it('can be deleted', () => {
      const token = aToken()
      tokens.insert(token)
      expect(tokens.delete(token.id)).toBe(true)
      expect(tokens.delete(token.id)).toBe(false)
      expect(tokens.list()).toEqual([])
    })
  })
}
