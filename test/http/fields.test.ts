import { z } from '@hono/zod-openapi'
import { describe, expect, test } from 'vitest'
import { choice, flag, ignored, integer, nullable, parseFields, text, uuid } from '../../src/http/fields.ts'

const id = '01234567-89ab-4cde-8f01-23456789abcd'
const schema = z.object({
  text: text(5),
  integer: integer(),
  flag: flag(),
  uuid: uuid(),
  choice: choice(['a', 'b']),
  nullable: nullable(integer()),
  ignored: ignored(),
})
type Key = keyof typeof schema.shape

describe('the types of request fields', () => {
  test.each<[Key, unknown, unknown]>([
    ['text', 'hello', 'hello'],
    ['text', '', ''],
    ['text', '⛰⛰⛰⛰⛰', '⛰⛰⛰⛰⛰'],
    ['text', null, undefined],
    ['integer', 2, 2],
    ['integer', '2', 2],
    ['integer', ' -7 ', -7],
    ['integer', 3.0, 3],
    ['integer', null, undefined],
    ...['true', 'T', 'yes', 'Y', 'on', '1', ' True ', true, 1, 2.5].map((yes): [Key, unknown, unknown] => [
      'flag',
      yes,
      true,
    ]),
    ...['false', 'F', 'no', 'N', 'off', '0', false, 0].map((no): [Key, unknown, unknown] => ['flag', no, false]),
    ['flag', null, undefined],
    ['uuid', id, id],
    ['uuid', id.toUpperCase(), id],
    ['uuid', id.replaceAll('-', ''), id],
    ['uuid', `{${id}}`, id],
    ['uuid', `urn:uuid:${id}`, id],
    ['choice', 'a', 'a'],
    ['nullable', null, null],
    ['nullable', '4', 4],
    ['ignored', { any: 'thing' }, undefined],
  ])('%s takes %j', (key, given, value) => {
    expect(parseFields(schema, { [key]: given })[key]).toEqual(value)
  })

  test.each<[Key, unknown]>([
    ['text', 7],
    ['text', true],
    ['text', ['a']],
    ['text', {}],
    ['text', 'longer'],
    ['integer', ''],
    ['integer', 'two'],
    ['integer', '2.0'],
    ['integer', 2.5],
    ['integer', true],
    ['integer', '0x10'],
    ['integer', '1e3'],
    ['integer', '99999999999999999999'],
    ['flag', 'maybe'],
    ['flag', ''],
    ['flag', []],
    ['uuid', 'hello'],
    ['uuid', 7],
    ['uuid', `${id}0`],
    ['uuid', ''],
    ['choice', 'c'],
    ['choice', 1],
    ['nullable', 'x'],
  ])('%s refuses %j with a sentence that names the field', (key, given) => {
    expect(() => parseFields(schema, { [key]: given })).toThrow(new RegExp(`^"${key}" must .*\\.$`))
  })

  test('unknown keys are refused in JSON and ignored in forms', () => {
    expect(() => parseFields(schema, { colour: 1 })).toThrow(/"colour" cannot be set here.*integer/)
    expect(parseFields(schema, { colour: 1 }, 'ignore')).not.toHaveProperty('colour')
    expect(() => parseFields(schema, JSON.parse('{"__proto__": 1}'))).toThrow('__proto__')
  })
})
