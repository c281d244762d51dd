// Keeps the documentation true: makes its generated tables (--write), or says where they do not match the source; checks links
// and the wording of pages and comments.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cliVariables } from '../src/cli-settings.ts'
import { environmentName } from '../src/config.ts'
import { settings } from '../src/settings/settings.ts'
import { problemsOf, readPages, unlistedPages } from './docs/pages.ts'
import { errorsTable, settingsTables } from './docs/tables.ts'
import { wordProblems, wordProblemsIn } from './docs/words.ts'

const root = join(import.meta.dirname, '..')
const isWriting = process.argv.includes('--write')

const tables = [
  { path: 'docs/errors.md', name: 'errors', table: errorsTable() },
  { path: 'docs/settings.md', name: 'settings', table: settingsTables(root) },
]
const stale = tables.filter(({ path, name, table }) => {
  const before = readFileSync(join(root, path), 'utf8')
  const after = filled(before, name, table)
  if (isWriting) writeFileSync(join(root, path), after)
  return !isWriting && after !== before
})

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
const known = {
  settings: new Set([...Object.keys(settings.shape).map(environmentName), ...Object.keys(cliVariables)]),
  npmScripts: new Set(Object.keys(scripts)),
}
const pages = readPages(root)
const problems = [
  ...stale.map(({ path }) => `${path} does not match the source: run "npm run fix"`),
  ...pages.flatMap((page) => problemsOf(page, root, known)),
  ...pages.flatMap(({ path, text }) => wordProblems(path, text)),
  ...wordProblemsIn(root),
  ...unlistedPages(pages),
]
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exit(1)

/** The text with the table between its two marks. */
function filled(text: string, name: string, table: string): string {
  const pattern = new RegExp(String.raw`(<!-- ${name}: [^>]*-->\n)[\s\S]*?(<!-- /${name} -->)`)
  if (!pattern.test(text)) throw new Error(`There is no place for the table ${name}.`)
  return text.replace(pattern, (_whole, begin, end) => `${begin}\n${table}\n\n${end}`)
}
