import { beforeEach, describe, expect, it } from 'vitest'
import type { AliasStore } from '../../../src/domain/functions/alias.ts'
import { anAlias } from '../builders.ts'

/** What every AliasStore promises. */
export function aliasStoreContract(open: () => AliasStore): void {
  describe('aliases', () => {
    let aliases: AliasStore

    beforeEach(() => {
      aliases = open()
    })

    it('are refused when the project has one of that name', () => {
      aliases.insert(anAlias({ name: 'live' }))
      expect(() => aliases.insert(anAlias({ name: 'live' }))).toThrow(
        expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining('named live') }),
      )
    })

    it('are refused when the project has one for that function and version', () => {
      const first = anAlias({ functionVersion: 3 })
      aliases.insert(first)
      expect(() => aliases.insert(anAlias({ functionId: first.functionId, functionVersion: 3 }))).toThrow(
        expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining('Version 3') }),
      )
    })

    it('are not moved to a function and version that has one', () => {
      const [first, second] = [anAlias(), anAlias()]
      for (const alias of [first, second]) aliases.insert(alias)
      expect(() => aliases.update({ ...second, functionId: first.functionId })).toThrow(
        expect.objectContaining({ code: 'invalid_request' }),
      )
      expect(aliases.find('default', second.name)).toEqual(second)
    })

    it('may repeat names and targets of other projects, and targets of other versions', () => {
      const first = anAlias({ name: 'live' })
      const { functionId } = first
      const others = [
        anAlias({ projectId: 'other', name: 'live', functionId }),
        anAlias({ functionId, functionVersion: 1 }),
      ]
      for (const alias of [first, ...others]) aliases.insert(alias)
      expect(aliases.list(null)).toEqual([first, ...others])
    })

    it('are found by name inside a project, and anywhere for admins', () => {
      const own = anAlias({ name: 'live', description: 'what runs', createdAt: 1, updatedAt: 2 })
      const foreign = anAlias({ name: 'live', projectId: 'other', createdAt: 2 })
      for (const alias of [foreign, own, anAlias()]) aliases.insert(alias)
      expect(aliases.find('default', 'live')).toEqual(own)
      expect(aliases.find('default', 'unknown')).toBeNull()
      expect(aliases.find('nobody', 'live')).toBeNull()
      expect(aliases.findAnywhere('live')).toEqual([own, foreign])
    })

    it('move, and are listed by project and function', () => {
      const alias = anAlias({ createdAt: 1 })
      const foreign = anAlias({ projectId: 'other', createdAt: 2 })
      for (const each of [foreign, alias]) aliases.insert(each)
      const moved = { ...alias, functionId: foreign.functionId, functionVersion: 4, updatedAt: 9 }
      aliases.update(moved)
      expect(aliases.list('default')).toEqual([moved])
      expect(aliases.listOfFunction(alias.functionId)).toEqual([])
      expect(aliases.listOfFunction(foreign.functionId)).toEqual([moved, foreign])
    })

    it('can be deleted', () => {
      const alias = anAlias()
      aliases.insert(alias)
      expect(aliases.delete(alias.id)).toBe(true)
      expect(aliases.delete(alias.id)).toBe(false)
      expect(aliases.find('default', alias.name)).toBeNull()
    })
  })
}
