import { expect, test } from 'vitest'
import { killed } from '../../src/engine/worker/outcomes.ts'
import { ReadOnlyRoot } from '../../src/engine/worker/read-only-root.ts'

const failure = killed({ code: 1, memoryExceeded: false }, 1, 5)
const messageOf = (root: ReadOnlyRoot): string => {
  const outcome = root.explain(failure)
  return 'error' in outcome ? outcome.error.message : ''
}

test.each([
  [["Error: EROFS: read-only file system, open '/var/x'\n"], true],
  [["mkdir: can't create directory: Read-only file system\n"], true],
  [['OSError: [Errno 30] Read-only ', "file system: '/srv/x'\n"], true],
  [['permission denied\n'], false],
  [['read-only\n', 'x'.repeat(100), ' file system\n'], false],
])('an image that prints %j is told of "writable": %s', (pieces, isTold) => {
  const root = new ReadOnlyRoot()
  const lines = pieces.map((piece) => root.lineAfter(piece)).join('')
  expect(lines.includes('"writable"')).toBe(isTold)
  expect(messageOf(root).includes('"writable"')).toBe(isTold)
})

test('the advice is added once, on a line of its own', () => {
  const root = new ReadOnlyRoot()
  expect(root.lineAfter('EROFS')).toMatch(/^\n\[the root .*"writable"\]\n$/)
  expect(root.lineAfter('EROFS\n')).toBe('')
  expect(new ReadOnlyRoot().lineAfter('EROFS\n')).toMatch(/^\[/)
})

test('what the platform is to blame for is not the root\u2019s doing', () => {
  const root = new ReadOnlyRoot()
  root.lineAfter('EROFS\n')
  const outcome = killed({ code: 137, memoryExceeded: false, fromOutside: true }, 1, 5)
  expect(root.explain(outcome)).toBe(outcome)
})
