import { describe, expect, test } from 'vitest'
import { Starts } from '../../src/engine/pool/starts.ts'
import { settled } from '../support/fake-clock.ts'

/** Starts that end when the test says so. */
function line(maxParallel: number) {
  const starts = new Starts({ maxParallel, mayStart: () => true })
  const running: string[] = []
  const begun: string[] = []
  const ends = new Map<string, { resolve(): void; reject(error: Error): void }>()
  const ask = (name: string, urgency: 'now' | 'later' = 'now') =>
    starts.run(urgency, 'p', async () => {
      begun.push(name)
      running.push(name)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      ends.set(name, { resolve, reject })
      await promise.finally(() => running.splice(running.indexOf(name), 1))
      return name
    })
  const end = async (name: string) => {
    ends.get(name)?.resolve()
    await settled()
  }
  const fail = async (name: string) => {
    ends.get(name)?.reject(new Error(`${name} failed`))
    await settled()
  }
  return { ask, end, fail, running, begun }
}

describe('starts', () => {
  test('run at once while there are places', async () => {
    const { ask, running, end } = line(2)
    const both = [ask('a'), ask('b')]
    expect(running).toEqual(['a', 'b'])
    await end('a')
    await end('b')
    expect(await Promise.all(both)).toEqual(['a', 'b'])
  })

  test('wait in the order they came when all places are taken', async () => {
    const { ask, begun, end } = line(1)
    const all = ['a', 'b', 'c'].map((name) => ask(name))
    expect(begun).toEqual(['a'])
    for (const name of ['a', 'b', 'c']) await end(name)
    expect(begun).toEqual(['a', 'b', 'c'])
    await Promise.all(all)
  })

  test('that calls wait for go before work ahead, however late they come', async () => {
    const { ask, begun, end } = line(1)
    const all = [ask('running'), ask('ahead 1', 'later'), ask('ahead 2', 'later'), ask('urgent')]
    for (const name of ['running', 'urgent', 'ahead 1', 'ahead 2']) await end(name)
    expect(begun).toEqual(['running', 'urgent', 'ahead 1', 'ahead 2'])
    await Promise.all(all)
  })

  test('that fail make room like others, and tell who asked', async () => {
    const { ask, begun, end, fail } = line(1)
    const [first, second] = [ask('a'), ask('b')]
    first.catch(() => {})
    await fail('a')
    await expect(first).rejects.toThrow('a failed')
    expect(begun).toEqual(['a', 'b'])
    await end('b')
    expect(await second).toBe('b')
  })

  test('that throw at once make room too', async () => {
    const starts = new Starts({ maxParallel: 1, mayStart: () => true })
    const broken = () => {
      throw new Error('at once')
    }
    await expect(starts.run('now', 'p', broken)).rejects.toThrow('at once')
    await expect(starts.run('now', 'p', broken)).rejects.toThrow('at once')
    expect(await starts.run('now', 'p', async () => 'fine')).toBe('fine')
  })

  test('never run more at once than there are places', async () => {
    const { ask, running, end } = line(3)
    const names = Array.from({ length: 20 }, (_, n) => `s${n}`)
    const all = names.map((name, n) => ask(name, n % 2 === 0 ? 'now' : 'later'))
    for (let ended = 0; ended < 20; ended++) {
      expect(running.length).toBeLessThanOrEqual(3)
      await end(running[0] as string)
    }
    expect((await Promise.all(all)).length).toBe(20)
    const again = [ask('x'), ask('y'), ask('z'), ask('w')]
    expect(running, 'all three places are free again').toEqual(['x', 'y', 'z'])
    for (const name of ['x', 'y', 'z', 'w']) await end(name)
    await Promise.all(again)
  })
})

test('of one project are no more at once than it may have, and others go on', async () => {
  const starts = new Starts({
    maxParallel: 4,
    mayStart: () => true,
    mostOf: (project) => (project === 'red' ? 1 : null),
  })
  const begun: string[] = []
  const ends: (() => void)[] = []
  const ask = (project: string, name: string) =>
    starts.run('now', project, () => {
      begun.push(name)
      return new Promise<void>((resolve) => ends.push(resolve))
    })
  const all = [ask('red', 'r1'), ask('red', 'r2'), ask('blue', 'b1')]
  await settled()
  expect(begun).toEqual(['r1', 'b1'])
  ends[0]?.()
  await settled()
  expect(begun).toEqual(['r1', 'b1', 'r2'])
  for (const end of ends) end()
  await Promise.all(all)
})
