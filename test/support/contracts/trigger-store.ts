import { beforeEach, describe, expect, it } from 'vitest'
import type { StoredTrigger, TriggerStore } from '../../../src/domain/triggers/trigger.ts'

export interface TriggerStoreCase<T extends StoredTrigger> {
  /** The name of the rows. */
  what: string
  open(): TriggerStore<T>
  make(overrides?: Partial<StoredTrigger>): T
  /** One row with every field set that `make` leaves empty. */
  full: T
}

/** What every store of triggers promises. */
export function triggerStoreContract<T extends StoredTrigger>({ what, open, make, full }: TriggerStoreCase<T>): void {
  describe(what, () => {
    let store: TriggerStore<T>

    beforeEach(() => {
      store = open()
    })

    it('are not found when there are none', () => {
      expect(store.find('unknown')).toBeNull()
      expect(store.delete('unknown')).toBe(false)
      expect(store.list(null)).toEqual([])
    })

    it('are not changed before they were inserted', () => {
      const row = make()
      store.update(row)
      expect(store.find(row.id)).toBeNull()
    })

    it('cannot be inserted twice', () => {
      const row = make()
      store.insert(row)
      expect(() => store.insert(row)).toThrow(expect.objectContaining({ name: 'FaasError', code: 'conflict' }))
    })

    it('come back as they were written, and change in every field', () => {
      const plain = make()
      store.insert(plain)
      expect(store.find(plain.id)).toEqual(plain)
      const changed = { ...full, id: plain.id }
      store.update(changed)
      expect(store.find(plain.id)).toEqual(changed)
      const other = { ...full, id: 'another' }
      store.insert(other)
      expect(store.find(other.id)).toEqual(other)
    })

    it('are listed by time, then id, and by project, function and alias', () => {
      const third = make({ id: 'b', createdAt: 2, functionId: null, functionAlias: 'live' })
      const second = make({ id: 'a', createdAt: 2 })
      const first = make({ id: 'c', createdAt: 1, projectId: 'other', functionId: null, functionAlias: 'live' })
      for (const row of [third, second, first]) store.insert(row)
      expect(store.list(null)).toEqual([first, second, third])
      expect(store.list('default')).toEqual([second, third])
      expect(store.listOfFunction(second.functionId as string)).toEqual([second])
      expect(store.listOfAlias('default', 'live')).toEqual([third])
      expect(store.listOfAlias('default', 'other')).toEqual([])
    })

    it('can be deleted', () => {
      const row = make()
      store.insert(row)
      expect(store.delete(row.id)).toBe(true)
      expect(store.find(row.id)).toBeNull()
      expect(store.delete(row.id)).toBe(false)
    })
  })
}
