import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Wording that makes readers stop, such as a genitive before its subject or an amount without its number. */

/** Beginnings of sentences. */
const opening =
  /(?:^\s*(?:[-*#|>]+\s+)*|[.;!?]\s+|\/\/\s+|\/\*\*?\s+|"""|['"`|]\s*)(Of|Told|Such as|So (?:few|long|many|much|often|seldom|soon))\s(?!course\b)/

/** Wording anywhere in a line, with the advice. */
const wordings: [found: RegExp, advice: string][] = [
  [/\bso (?:few|many|often|seldom)\b(?!.*\b(?:as|that)\b)/, 'say the number, or "this number of"'],
  [/\bin the place of\b/i, 'write "instead of"'],
  [/\bas ever\b(?=['.,)]|$)/, 'write "as usual"'],
  [/\ball the same\b/, 'write "nevertheless"'],
  [/\b(?:engine|server|says) says? no\b/, 'write "refuses"'],
  [/\b(?:the one|token|those|server) of before\b/, 'write "previous"'],
  [/\b(?:is|are|took it) taken for\b(?! this)/, 'write "recognised as"'],
  [/\b(?:its|their) kin\b/, 'name what is meant'],
  [
    /(?<!\b[Tt]here )\bis no (?:address|amount|base64|destination|function|id|image|limit|name|number|object|text)\b/,
    'write "is not a"',
  ],
  [/\bat most \S+ (?:bytes |\w+ )?are (?:kept|taken)\b/, 'write "are allowed"'],
]

/** Wording at the beginning of texts for users: descriptions, summaries of the API, and help of the command line. */
const userTexts: [found: RegExp, advice: string][] = [
  [/^\s*(?:.*\.describe\(\s*)?['"`](?:Largest|Least|Longest|Most)\b/, 'write "Minimum" or "Maximum"'],
  [/\bsummary: ['"`](?:Does|How|What|Where|Which|Who|Whose)\b/, 'begin with a verb, such as "List" or "Show"'],
  [/^\s*\[?\['[^']*[>\]\w]', ['"`](?:of|where to)\b/, 'name the value, not only what it belongs to'],
]

/** Inverted sentences of pages, such as "Looked for are modules". */
const inverted = /(?:^|[.;]\s+)(Counted|Kept|Left out|Looked for|Read|Refused|Set|Taken) (?:are|is)\b/

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
  text.split('\n').flatMap((line, at) => faultsOf(path, line).map((fault) => `${path}:${at + 1}: ${fault}`))

function faultsOf(path: string, line: string): string[] {
  const begins = opening.exec(line)?.[1]
  const first = begins === undefined ? [] : [`a sentence begins with "${begins}": name its subject first`]
  const turned = path.endsWith('.md') ? inverted.exec(line)?.[1] : undefined
  if (turned !== undefined) first.push(`a sentence begins with "${turned}": name its subject first`)
  const all = path.startsWith('src/') ? [...wordings, ...userTexts] : wordings
  return [
    ...first,
    ...all.flatMap(([found, advice]) => (found.test(line) ? [`"${found.exec(line)?.[0].trim()}": ${advice}`] : [])),
  ]
}
