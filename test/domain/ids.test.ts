import { expect, test, vi } from 'vitest'
import { canonicalUuid, timeOrderedId } from '../../src/domain/ids.ts'

test('an id is a UUID of version 7 whose first 48 bits are the time', () => {
  const before = Date.now()
  const id = timeOrderedId()
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(canonicalUuid(id)).toBe(id)
  const ms = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
  expect(ms).toBeGreaterThanOrEqual(before)
  expect(ms).toBeLessThanOrEqual(Date.now() + 1)
})

test('ids sort by when they were made, also thousands of one millisecond and when the clock goes back', () => {
  const now = Date.now() + 10_000
  const clock = vi.spyOn(Date, 'now').mockReturnValue(now)
  const ids = Array.from({ length: 10_000 }, timeOrderedId)
  clock.mockReturnValue(now - 5000)
  ids.push(...Array.from({ length: 100 }, timeOrderedId))
  clock.mockRestore()
  expect([...ids].sort()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
})

test('what follows the time is random: all variants and all digits occur', () => {
  const ids = Array.from({ length: 2000 }, timeOrderedId)
  expect(new Set(ids.map((id) => id[19]))).toEqual(new Set('89ab'))
  for (let at = 20; at < 36; at++) {
    if (at !== 23) expect(new Set(ids.map((id) => id[at])).size, `position ${at}`).toBe(16)
  }
})
