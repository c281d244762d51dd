import { expect, test } from 'vitest'
import { lineOfSaves } from '../../scripts/bench/dev.ts'

const quiet = { ms: 100, isBusy: false }
const disturbed = { ms: 2000, isBusy: true }

test('Saves on a busy machine are shown, and not judged', () => {
  const line = lineOfSaves('Node.js, ms', [quiet, disturbed, disturbed])
  expect(line).toMatchObject({ what: 'Node.js, ms (machine busy: not judged)', reached: null })
  expect(line.figure).toContain('p50 2000.0')
})

test('The goal of the edit loop is judged by the saves that nobody disturbed, where most are', () => {
  expect(lineOfSaves('Node.js, ms', [quiet, quiet, disturbed])).toMatchObject({ what: 'Node.js, ms', reached: true })
  const slow = { ms: 400, isBusy: false }
  expect(lineOfSaves('Node.js, ms', [slow, slow, disturbed])).toMatchObject({ reached: false })
})
