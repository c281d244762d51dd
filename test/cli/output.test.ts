import { expect, test } from 'vitest'
import { cut, Output } from '../../src/cli/output.ts'

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
