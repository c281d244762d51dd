import { describe, expect, test } from 'vitest'
import { checkedWeights, chosenVersion, versionsOf } from '../../src/domain/functions/alias.ts'

/** Which version a call of an alias runs, with given chance. */

describe('An alias', () => {
  test.each<[string, Record<string, number> | null, number, number]>([
    ['without weights', null, 0, 3],
    ['below the share of the other', { 4: 0.1 }, 0.0999, 4],
    ['from the share of the other on', { 4: 0.1 }, 0.1, 3],
    ['at the end', { 4: 0.1 }, 0.9999, 3],
    ['that gives the other nothing', { 4: 0 }, 0, 3],
    ['that gives the other all', { 4: 1 }, 0.9999, 4],
    ['with several, in the first', { 0: 0.2, 4: 0.3 }, 0.19, 0],
    ['with several, in the second', { 0: 0.2, 4: 0.3 }, 0.49, 4],
    ['with several, beyond them', { 0: 0.2, 4: 0.3 }, 0.5, 3],
  ])('%s leads to the version of that chance', (_what, weights, chance, version) => {
    expect(chosenVersion({ functionVersion: 3, weights }, () => chance)).toBe(version)
  })

  test('without weights asks for no chance', () => {
    const never = () => {
      throw new Error('asked')
    }
    expect(chosenVersion({ functionVersion: 3, weights: null }, never)).toBe(3)
  })

  test('gives each version its share of many calls', () => {
    let at = 0
    const evenly = () => (at++ % 1000) / 1000
    const counts = new Map<number, number>()
    for (let call = 0; call < 1000; call++) {
      const version = chosenVersion({ functionVersion: 3, weights: { 1: 0.25, 4: 0.125 } }, evenly)
      counts.set(version, (counts.get(version) ?? 0) + 1)
    }
    expect(Object.fromEntries(counts)).toEqual({ 1: 250, 4: 125, 3: 625 })
  })

  test('may lead to all of its versions', () => {
    expect(versionsOf({ functionVersion: 3, weights: { 0: 0.5 } })).toEqual([3, 0])
    expect(versionsOf({ functionVersion: 3, weights: null })).toEqual([3])
  })
})

describe('Weights', () => {
  test.each<[string, Record<string, number>, string]>([
    ['of what is no version', { live: 0.1 }, 'must be the number of a version'],
    ['of a version below 0', { '-1': 0.1 }, 'must be the number of a version'],
    ['of the version itself', { 3: 0.1 }, 'which the alias points at'],
    ['below 0', { 4: -0.1 }, 'must be from 0 to 1'],
    ['above 1', { 4: 1.1 }, 'must be from 0 to 1'],
    ['that are no number', { 4: Number.NaN }, 'must be from 0 to 1'],
    ['above 1 together', { 4: 0.6, 5: 0.6 }, 'must be 1 at most'],
    ['of too many versions', Object.fromEntries(Array.from({ length: 11 }, (_, at) => [at + 10, 0.01])), 'at most 10'],
  ])('%s are refused', (_what, weights, why) => {
    expect(() => checkedWeights(weights, 3)).toThrow(why)
  })

  test('may be 1 together, and none are none', () => {
    expect(checkedWeights({ 4: 0.1, 5: 0.2, 6: 0.7 }, 3)).toEqual({ 4: 0.1, 5: 0.2, 6: 0.7 })
    expect(checkedWeights({}, 3)).toBeNull()
  })
})
