import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { timeOrderedId } from '../../src/domain/ids.ts'
import { hashOfId, hashOfNumber, InFlight } from '../../src/domain/runs/in-flight.ts'

test('is a map, whatever comes and goes in whatever order', () => {
  const [map, reference] = [new InFlight<number, number>((key) => key % 7), new Map<number, number>()]
  let seed = 1
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647
    return seed % below
  }
  for (let n = 0; n < 20_000; n++) {
    const key = random(n % 4000 < 2000 ? 300 : 40)
    if (random(2) === 0) {
      map.set(key, n)
      reference.set(key, n)
    } else expect(map.delete(key)).toBe(reference.delete(key))
    expect([map.size, map.get(key), map.has(key)]).toEqual([reference.size, reference.get(key), reference.has(key)])
  }
  expect(map.values().sort()).toEqual([...reference.values()].sort())
  map.clear()
  expect([map.size, map.values(), map.get(3)]).toEqual([0, [], undefined])
})

test('keeps values that are undefined or null', () => {
  const map = new InFlight<string, null | undefined>(hashOfId)
  map.set('a', undefined)
  map.set('b', null)
  expect([map.has('a'), map.get('b'), map.has('c'), map.size, map.delete('a')]).toEqual([true, null, false, 2, true])
})

test('ids and numbers that follow each other are spread over all places', () => {
  const places = (hashes: number[]) => new Set(hashes.map((hash) => hash & 1023)).size
  const many = Array.from({ length: 512 }, (_, at) => at)
  expect(places(many.map(() => hashOfId(timeOrderedId())))).toBeGreaterThan(300)
  expect(places(many.map(hashOfNumber))).toBe(512)
})

/** Bytes that a small collection leaves of 20 MB that came and went, 64 at a time. */
function keptBytes(map: string): number {
  const program = `
    import { InFlight } from ${JSON.stringify(join(import.meta.dirname, '../../src/domain/runs/in-flight.ts'))}
    const map = ${map}
    const comeAndGo = (from, count) => {
      for (let n = from; n < from + count; n++) {
        map.set(n, new Array(125).fill(n))
        map.delete(n - 64)
        if (n % 500 === 0) gc({ type: 'minor' })
      }
    }
    comeAndGo(1, 10_000)
    gc()
    const before = process.memoryUsage().heapUsed
    comeAndGo(10_001, 20_000)
    gc({ type: 'minor' })
    console.log(process.memoryUsage().heapUsed - before)`
  // Code that was kept compiled would change what is garbage when.
  const env = { PATH: process.env.PATH }
  return Number(execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], { env }))
}

test('what has gone is garbage for a small collection; in a Map of Node.js it is not, which is why this is there', () => {
  expect(keptBytes('new InFlight((n) => n)')).toBeLessThan(4e6)
  expect(keptBytes('new Map()')).toBeGreaterThan(10e6)
})
