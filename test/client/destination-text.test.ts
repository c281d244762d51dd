import { expect, test } from 'vitest'
import { destinationFrom, destinationToRead, textOfDestination } from '../../src/client/destination-text.ts'

test.each([
  ['greet', { function: 'greet' }, 'function greet'],
  ['https://example.org/hook', { url: 'https://example.org/hook' }, 'https://example.org/hook'],
  ['zaqar://results', { queue: 'results' }, 'zaqar://results'],
  ['zaqar://results?ttl=600', { queue: 'results', ttl: 600 }, 'zaqar://results?ttl=600'],
])('%s is a destination, and is written so again', (text, to, read) => {
  expect(destinationFrom(text)).toEqual(to)
  expect(textOfDestination(to)).toBe(text)
  expect(destinationToRead(to)).toBe(read)
})

test.each([
  ['zaqar://results?ttl=abc', 'a whole number of seconds'],
  ['zaqar://results?ttl=', 'a whole number of seconds'],
  ['zaqar://results?ttl=-60', 'a whole number of seconds'],
  ['zaqar://results?ttl=1e3', 'a whole number of seconds'],
  ['zaqar://results?tll=60', 'a queue takes one parameter'],
  ['zaqar://results?ttl=60&project=red', 'a queue takes one parameter'],
  ['zaqar://results?ttl=60&ttl=90', 'a queue takes one parameter'],
  ['amqp://results', 'write the name of a function, a URL of http or https, or zaqar://'],
])('%s is refused in a sentence', (text, why) => {
  expect(() => destinationFrom(text)).toThrow(why)
})

test('The scheme of a destination may be in capitals', () => {
  expect(destinationFrom('HTTPS://example.org/')).toEqual({ url: 'HTTPS://example.org/' })
  expect(destinationFrom('Zaqar://results?ttl=60')).toEqual({ queue: 'results', ttl: 60 })
})
