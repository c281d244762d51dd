import { unzipSync } from 'fflate'
import { expect, test } from 'vitest'
import { zipOf } from '../../src/store/zip-of.ts'

/** Packages that are made of one inline file. */

test.each(['main.mjs', 'constructor', 'toString', 'lib/__proto__', '函數.py'])('a file can be named %s', (name) => {
  const files = unzipSync(zipOf(name, 'content'))
  expect(Object.keys(files)).toEqual([name])
  expect(Buffer.from(files[name] as Uint8Array).toString()).toBe('content')
})

test('a name that the archive cannot hold is refused with a sentence', () => {
  expect(() => zipOf('__proto__', 'content')).toThrow('A file cannot have the name __proto__: choose another one.')
})
