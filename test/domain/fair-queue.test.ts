import { expect, test } from 'vitest'
import { FairQueue } from '../../src/domain/fair-queue.ts'

/** Keys that take turns. */

const queueOf = (...entries: [string, number][]) => {
  const queue = new FairQueue<number>()
  for (const [key, item] of entries) queue.add(key, item)
  return queue
}
const restOf = (queue: FairQueue<number>): (number | undefined)[] => {
  const items: (number | undefined)[] = []
  while (queue.size > 0) items.push(queue.next())
  return items
}

test('a key with many items delays another by one', () => {
  expect(restOf(queueOf(['a', 1], ['a', 2], ['a', 3], ['b', 4]))).toEqual([1, 4, 2, 3])
})

test('the first item is the one that comes next', () => {
  const queue = queueOf(['a', 1], ['a', 2], ['b', 3])
  expect([queue.first(), queue.next(), queue.first(), queue.next(), queue.first()]).toEqual([1, 1, 3, 3, 2])
})

test('a deleted item is not counted, and its key keeps its turn', () => {
  const queue = queueOf(['a', 1], ['a', 2], ['b', 3])
  queue.delete('a', (item) => item === 1)
  expect([queue.has('a', 1), queue.has('a', 2), queue.size]).toEqual([false, true, 2])
  expect(restOf(queue)).toEqual([2, 3])
})

test('items of all keys can be deleted', () => {
  const queue = queueOf(['a', 1], ['a', 2], ['b', 3], ['b', 4])
  queue.deleteEach((item) => item % 2 === 1)
  expect(queue.size).toBe(2)
  expect(restOf(queue)).toEqual([2, 4])
})
