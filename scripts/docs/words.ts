import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Sentence beginnings that make readers stop: a genitive before its subject, or an amount without its number. */

const opening =
  /(?:^\s*(?:[-*#|>]+\s+)*|[.;!?]\s+|\/\/\s+|\/\*\*?\s+|"""|['"`|]\s*)(Of|Told|Such as|So (?:few|long|many|much|often|seldom|soon))\s(?!course\b)/

const patterns = [
  'src/**/*.{ts,tsx}',
  'runtimes/**/*.{cjs,mjs,py,rb,sh}',
  'scripts/**/*.{ts,mjs,cjs,sh}',
  'test/**/*.{ts,mjs,py}',
]
/** Third-party code, and this list itself. */
const excluded =
  /\/(node_modules|vendor|platform|packages)\/|^scripts\/docs\/words\.ts$|^test\/scripts\/words\.test\.ts$/

/** Problems of comments, texts and test names in the source, as sentences that name file and line. */
export const wordProblemsIn = (root: string): string[] =>
  globSync(patterns, { cwd: root })
    .filter((path) => !excluded.test(path))
    .sort()
    .flatMap((path) => wordProblems(path, readFileSync(join(root, path), 'utf8')))

/** Pure. */
export const wordProblems = (path: string, text: string): string[] =>
  text.split('\n').flatMap((line, at) => {
    const words = opening.exec(line)?.[1]
    return words === undefined ? [] : [`${path}:${at + 1}: a sentence begins with "${words}": name its subject first`]
  })
