import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Option } from 'commander'
import { expect, test } from 'vitest'
import { type CommandSpec, globalOptions } from '../../src/cli/command.ts'
import { allCommands } from '../../src/cli/commands.ts'

/** What the pages say that one can type, with docs/cli.md, which is made from the commands. */

const root = join(import.meta.dirname, '../..')
const pages = [
  'README.md',
  'CHANGELOG.md',
  'runtimes/README.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md') && name !== 'docs/cli.md')

/** `taibai …` in inline code and at the beginning of lines of code, as words. */
function typed(text: string): string[][] {
  const lines = text.split('\n').filter((line) => /^\s*(sudo |npx |\.\/|docker exec taibai )?taibai [a-z-]/.test(line))
  const inline = [...text.matchAll(/`(?:npx |sudo )?(taibai [a-z-][^`]*)`/g)].map(([, code]) => code as string)
  return [...lines, ...inline].map((line) =>
    line
      .replace(/^\s*(docker exec )?.*?taibai (taibai )?/, '')
      .replace(/\s+#.*$/, '')
      .split(/\s+/),
  )
}

const commands = await allCommands()

/** The command of these words, or the noun of several. */
const commandOf = ([first, second]: string[]): CommandSpec | undefined =>
  commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first)

test.each(pages)('%s names commands and options that there are', (page) => {
  const wrong = typed(readFileSync(join(root, page), 'utf8')).flatMap((words) => {
    const command = commandOf(words)
    const [first = '', second = ''] = words
    if (command === undefined) {
      const verbs = second.split('|').filter((verb) => commandOf([first, verb]) === undefined)
      return commands.some(({ name }) => name.startsWith(`${first} `)) && (second === '' || verbs.length === 0)
        ? []
        : [words.join(' ')]
    }
    const flags = [...(command.options ?? []), ...globalOptions].map(([flag]) => new Option(flag))
    const isKnown = (word: string) => flags.some(({ long, short }) => [long, short].includes(word.split('=')[0]))
    return words.filter((word) => /^--?[a-z]/.test(word) && !isKnown(word)).map((word) => `${command.name}: ${word}`)
  })
  expect(wrong).toEqual([])
})

test('An option that says "..." takes several values', () => {
  const listed = commands.flatMap(({ name, options = [] }) => options.map(([flag]) => [name, flag] as const))
  const alone = listed.filter(([, flag]) => flag.includes('...') && !new Option(flag).variadic)
  expect(alone).toEqual([])
})
