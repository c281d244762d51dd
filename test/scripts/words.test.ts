import { describe, expect, test } from 'vitest'
import { wordProblems } from '../../scripts/docs/words.ts'

describe('The check of words', () => {
  test.each([
    '/** Of the function. */',
    '// Of two builds the first stays.',
    "description: 'Of one project.'",
    'The run waits. So many runs are kept.',
    '## Of a project',
    '- Of two at once the last stays.',
    '  # So often it is asked again.',
    '"""Told of each call."""',
  ])('refuses %j', (line) => {
    expect(wordProblems('a.ts', `const a = 1\n${line}\n`)).toEqual([
      expect.stringMatching(/^a\.ts:2: a sentence begins/),
    ])
  })

  test.each([
    ['src/a.ts', "  .describe('Most files of a package.')", /"Maximum"/],
    ['src/a.ts', "  summary: 'What ran',", /begin with a verb/],
    ['src/cli/a.ts', "      ['--name <name>', 'of the function'],", /name the value/],
    ['test/a.ts', '/** It is kept for so many days. */', /say the number/],
    ['docs/a.md', 'One in the place of another.', /"instead of"/],
    ['docs/a.md', 'In Node.js it is loaded. Looked for are modules.', /name its subject first/],
    ['src/a.ts', "const text = 'It is no number.'", /"is not a"/],
    ['src/a.ts', 'const text = "at most 8 bytes are taken"', /"are allowed"/],
    ['src/a.ts', '// The token of before is valid.', /"previous"/],
    ['test/a.ts', "test('it runs all the same', () => {})", /"nevertheless"/],
    ['test/a.ts', "test('it is a package, and is taken for an app', () => {})", /"recognised as"/],
    ['docs/a.md', 'The variable and its kin.', /name what is meant/],
    ['docs/a.md', 'Functions run as ever.', /"as usual"/],
    ['test/a.ts', "throw new Error('the engine says no')", /"refuses"/],
  ])('refuses in %s: %s', (path, line, advice) => {
    expect(wordProblems(path, line)).toEqual([expect.stringMatching(advice)])
  })

  test.each([
    'It waits while so many others come that it is late.',
    'Repeat it so often as needed.',
    "test('What ran is listed', () => {})",
    '/** The function of a call. */',
    'Of course it may.',
    'const of: Of = made',
    'interface Told {',
    'So a run waits.',
    'There is no function of this name.',
    'Nothing was as ever taken.',
    'Read is a scope.',
  ])('accepts %j', (line) => {
    expect(wordProblems('a.ts', line)).toEqual([])
  })
})
