import { beforeEach, describe, expect, it } from 'vitest'
import type { RuntimeStore } from '../../../src/domain/functions/runtime.ts'
import { aRuntime } from '../builders.ts'

/** What every RuntimeStore promises. */
export function runtimeStoreContract(open: () => RuntimeStore): void {
  describe('runtimes', () => {
    let runtimes: RuntimeStore

    beforeEach(() => {
      runtimes = open()
    })

    it('are not found when there are none', () => {
      expect(runtimes.find('unknown')).toBeNull()
      expect(runtimes.list()).toEqual([])
      expect(runtimes.delete('unknown')).toBe(false)
    })

    it('come back as they were written', () => {
      const plain = aRuntime()
      const full = aRuntime({
        name: null,
        description: 'theirs',
        isPublic: false,
        trusted: false,
        status: 'error',
        signature: 'qinling',
        languages: [],
        builtin: true,
        updatedAt: 7,
      })
      for (const runtime of [plain, full]) runtimes.insert(runtime)
      expect(runtimes.find(plain.id)).toEqual(plain)
      expect(runtimes.find(full.id)).toEqual(full)
    })

    it('change in every field', () => {
      const runtime = aRuntime()
      runtimes.insert(runtime)
      const changed = aRuntime({ id: runtime.id, name: 'other', image: 'other:1', status: 'upgrading', updatedAt: 1 })
      runtimes.update(changed)
      expect(runtimes.list()).toEqual([changed])
    })

    it('are listed by time, then id, and can be deleted', () => {
      const [second, third, first] = [
        aRuntime({ id: 'a', createdAt: 2 }),
        aRuntime({ id: 'b', createdAt: 2 }),
        aRuntime({ id: 'c', createdAt: 1 }),
      ]
      for (const runtime of [third, second, first]) runtimes.insert(runtime)
      expect(runtimes.list()).toEqual([first, second, third])
      expect(runtimes.delete('a')).toBe(true)
      expect(runtimes.list()).toEqual([first, third])
    })
  })
}
