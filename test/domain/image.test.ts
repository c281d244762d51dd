/** What is a name of an image: it becomes part of an address, so everything else is refused before anybody is asked. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkedImage, isImageReference } from '../../src/domain/functions/image.ts'
import { cpuMsOf } from '../support/cpu-time.ts'

const digest = `sha256:${'0a'.repeat(32)}`

describe('no name of an image is', () => {
  test.each([
    ['nothing', ''],
    ['a space', ' '],
    ['one with a space', 'my image'],
    ['an encoded way out', '..%2f127.0.0.1:9%2fx'],
    ['a way out', '../127.0.0.1:9/x'],
    ['a way out in the middle', 'a/../b'],
    ['an absolute path', '/etc/passwd'],
    ['one that ends with a slash', 'a/'],
    ['an empty part', 'a//b'],
    ['a query', 'a?fromSrc=x'],
    ['a fragment', 'a#b'],
    ['a URL', 'http://127.0.0.1:9/x'],
    ['capital letters in the path', 'example.org/Team/app'],
    ['capital letters without a host', 'Alpine'],
    ['an option', '--privileged'],
    ['an empty tag', 'a:'],
    ['an odd tag', 'a:b/c:d:e'],
    ['a tag that begins with a dot', 'a:.b'],
    ['a short digest', 'a@sha256:abc'],
    ['two digests', `a@${digest}@${digest}`],
    ['a null character', 'a\0b'],
    ['a new line', 'a\n'],
    ['letters of other scripts', 'bäcker'],
    ['three dots in a row', 'a...b'],
    ['a host that begins with a dash', '-a.org/b'],
    ['a port that is none', 'a.org:x/b'],
    ['one that is too long', `${'a/'.repeat(200)}a`],
  ])('%s', (_what, text) => {
    expect(isImageReference(text)).toBe(false)
    expect(() => checkedImage('image', text)).toThrow(/"image" must be the name of a container image/)
  })
})

describe('names of images are', () => {
  test.each([
    'alpine',
    'alpine:3.19',
    'taibai/nodejs',
    'a/b/c__d/e-f--g',
    'localhost/taibai/python3:latest',
    'localhost:5000/x',
    'registry.example.org/team/app:V1.2_x',
    'Registry.Example.org:443/app',
    '10.0.0.1:5000/app',
    '[2001:db8::1]:5000/app',
    `app@${digest}`,
    `registry.example.org/app:1@${digest}`,
  ])('%s', (text) => {
    expect(checkedImage('image', text)).toBe(text)
  })
})

test('whatever is one stays below the path of the engine that it is put into', () => {
  const pieces = fc.constantFrom(
    'a',
    'b1',
    '.',
    '..',
    '/',
    ':',
    '@',
    '%2f',
    '-',
    '_',
    '?',
    '#',
    digest,
    'A',
    '[',
    ']',
    '5000',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      if (!isImageReference(text)) return
      const { pathname, search, hash } = new URL(`http://engine/images/${text}/json`)
      expect({ pathname, search, hash }).toEqual({ pathname: `/images/${text}/json`, search: '', hash: '' })
    }),
    { numRuns: 5000 },
  )
})

test('the longest text that is none is refused in no time', async () => {
  const took = await cpuMsOf(() => {
    for (const text of ['a-'.repeat(10_000), `${'a.'.repeat(127)}!/x`, `a@${'a.'.repeat(200)}`]) {
      expect(isImageReference(text)).toBe(false)
    }
  })
  expect(took).toBeLessThan(200)
})
