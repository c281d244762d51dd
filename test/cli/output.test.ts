import { expect, test } from 'vitest'
import { cut, fitted, Output } from '../../src/cli/terminal/output.ts'

const printed = (show: (out: Output) => void): string => {
  const pieces: string[] = []
  const stdout = { write: (text: string | Uint8Array) => pieces.push(String(text)) }
  show(new Output({ stdout, stderr: stdout, json: false, colors: false }))
  return pieces.join('')
}

test.each([
  ['fits', 10, 'fits'],
  ['much too long', 8, 'much to…'],
  ['\u001b[1mNAME\u001b[22m  \u001b[1mRUNTIME\u001b[22m', 13, '\u001b[1mNAME\u001b[22m  \u001b[1mRUNTIME\u001b[22m'],
  ['\u001b[1mNAME\u001b[22m  \u001b[1mRUNTIME\u001b[22m', 9, '\u001b[1mNAME\u001b[22m  \u001b[1mRU…\u001b[22m'],
  ['\u001b[1mNAME\u001b[22m  \u001b[1mRUNTIME\u001b[22m', 6, '\u001b[1mNAME\u001b[22m …\u001b[1m\u001b[22m'],
])('%j in a terminal of %i columns is %j', (line, width, shown) => {
  expect(cut(line, width)).toBe(shown)
})

test.each([
  ['what fits stays', [6, 40, 6], 60, [6, 40, 6]],
  ['the widest column is narrowed', [6, 100, 6], 60, [6, 44, 6]],
  ['the two widest share', [50, 50, 6], 60, [25, 25, 6]],
  ['none becomes so narrow that it says nothing', [50, 50, 6], 20, [12, 12, 6]],
  ['a pipe has no width', [6, 100, 6], Number.POSITIVE_INFINITY, [6, 100, 6]],
])('columns of a table in a terminal: %s', (_what, widths, terminal, shown) => {
  expect(fitted(widths, ['NAME', 'DESCRIPTION', 'CALLS'], terminal)).toEqual(shown)
})

test('ids are not shortened: people copy them', () => {
  expect(fitted([36, 30], ['ID', 'ERROR'], 60)).toEqual([36, 22])
})

test('A value of several lines stands below itself, beside its name', () => {
  const shown = printed((out) =>
    out.fields([
      ['id', 'one'],
      ['error', 'Error: no\n    at main (main.mjs:1:1)\n'],
      ['output', null],
    ]),
  )
  expect(shown).toBe('id     one\nerror  Error: no\n           at main (main.mjs:1:1)\n')
})
