import { describe, expect, test } from 'vitest'
import { noSource, sourceFields } from '../../src/console/pages/source-fields.ts'

const target = { function_alias: 'live' }
const fields = (texts: Partial<typeof noSource>) => sourceFields({ ...noSource, ...texts }, target)

describe('the form of a source', () => {
  test('sends what was entered, and leaves the rest to the server', () => {
    expect(fields({ container: 'uploads' })).toEqual({
      ...target,
      type: 'swift',
      container: 'uploads',
      events: ['created', 'changed'],
      existing: false,
    })
    expect(
      fields({ container: 'uploads', prefix: 'a/', name: 'n', interval: '60', existing: 'true', events: 'deleted' }),
    ).toMatchObject({ prefix: 'a/', name: 'n', interval: 60, existing: true, events: ['deleted'] })
  })

  test.each([
    [{}, 'Enter the container'],
    [{ container: 'c', events: '' }, 'at least one kind of change'],
    [{ container: 'c', interval: 'often' }, '"often" is not a number'],
  ])('refuses %j', (texts, sentence) => {
    expect(() => fields(texts)).toThrow(sentence)
  })
})
