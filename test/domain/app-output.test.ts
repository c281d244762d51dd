import { describe, expect, test } from 'vitest'
import { appOutputsIn, inputWith, maxMessages, readersOf } from '../../src/domain/functions/app-output.ts'

const output = (type: string, to: string | null, ...messages: string[]) => ({ name: 'out', type, to, messages })

describe('the outputs that a worker tells of', () => {
  test('that are none are left out', () => {
    const named = { ...output('queue', 'a', 'x'), name: 'n'.repeat(256) }
    for (const told of [undefined, 5, {}, [], [null, 5, {}], [{ ...output('queue', 'a'), messages: [5] }], [named]]) {
      expect(appOutputsIn(told)).toBeUndefined()
    }
  })

  test('are taken up to a number of messages in all', () => {
    const many = output('queue', 'a', ...Array.from({ length: 600 }, () => 'x'))
    const taken = appOutputsIn([many, many, { ...output('blob', null, 'y'), to: 7 }]) ?? []
    expect(taken.map(({ messages }) => messages.length)).toEqual([600, maxMessages - 600, 0])
    expect(taken[2]?.to).toBeNull()
  })
})

describe('readers', () => {
  const queue = (name: string, queueName: string) => ({ name, trigger: 'queueTrigger', queueName })
  const topic = (name: string, subscriptionName: string) => ({
    ...{ name, trigger: 'serviceBusTrigger' },
    ...{ topicName: 'news', subscriptionName },
  })
  const functions = [
    queue('first', 'orders'),
    queue('second', 'Orders'),
    topic('one', 'a'),
    topic('two', 'b'),
    { name: 'bus', trigger: 'serviceBusTrigger', queueName: 'orders' },
    { name: 'web', trigger: 'httpTrigger', queueName: 'orders' },
  ]
  test.each([
    ['a queue has one', output('queue', 'ORDERS'), ['first']],
    ['a queue of Service Bus is another queue', output('serviceBus', 'orders'), ['bus']],
    ['a topic has all its subscribers', output('serviceBus', 'news'), ['one', 'two']],
    ['another queue has none', output('queue', 'later'), []],
    ['a blob has none', output('blob', 'orders'), []],
    ['what has no name has none', output('queue', null), []],
  ])('%s', (_name, from, readers) => {
    expect(readersOf(from, functions).map(({ name }) => name)).toEqual(readers)
  })

  test('get the text of the message as it was put there', () => {
    expect(inputWith({ name: 'f', trigger: 'queueTrigger' }, '{"a": 1.0}')).toBe(
      '{"target":"f","input":"{\\"a\\": 1.0}"}',
    )
  })
})
