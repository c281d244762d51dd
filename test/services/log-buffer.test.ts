import { expect, test } from 'vitest'
import { LogBuffer } from '../../src/services/runs/log-buffer.ts'

test('what is printed is kept in order, up to the limit to the byte', () => {
  const log = new LogBuffer(8)
  log.add('one\n')
  log.add('')
  log.add('two\n')
  expect(log.text()).toBe('one\ntwo\n')
})

test('what is beyond the limit is dropped and said, and no character is cut in two', () => {
  const log = new LogBuffer(6)
  log.add('one\n')
  log.add('x€y\n')
  log.add('never shown\n')
  expect(log.text()).toBe('one\nx\n[the log is cut here: it is longer than 6 bytes]\n')
})
