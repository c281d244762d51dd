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
