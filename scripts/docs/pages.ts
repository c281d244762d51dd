import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { headingAnchor } from '../../src/http/pages/markdown.ts'

/** Problems of documentation pages: broken links, unknown names, long lines. */

export interface Page {
  /** Path relative to the project. */
  path: string
  text: string
}

/** Names that pages may mention. */
export interface Known {
  /** Environment variables. */
  settings: Set<string>
  npmScripts: Set<string>
}

const longestLine = 120

export function readPages(root: string): Page[] {
  const patterns = ['*.md', 'docs/*.md', 'runtimes/*.md', 'test/*.md', 'scripts/*/*.md']
  return globSync(patterns, { cwd: root })
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** Sentences that name page and line. */
export function problemsOf(page: Page, root: string, known: Known): string[] {
  const prose = withoutCode(page.text)
  return [
    ...linksOf(prose).flatMap((link) => linkProblems(page, link, root)),
    ...unknownNames(page, /\bTAIBAI_[A-Z0-9_]+[A-Z0-9]\b/g, (name) => isSetting(name, known), 'There is no setting'),
    ...unknownNames(page, /(?<=\bnpm run )[a-z][a-z:-]*/g, (name) => known.npmScripts.has(name), 'There is no script'),
    ...missingFiles(page, root),
    ...longLines(page, prose),
    ...(/^(<<<<<<<|>>>>>>>) /m.test(page.text) ? [`${page.path}: a conflict was not resolved`] : []),
  ]
}

/** Pages of docs/ that its index does not list. */
export function unlistedPages(pages: Page[]): string[] {
  const index = pages.find(({ path }) => path === 'docs/README.md')?.text ?? ''
  return pages
    .map(({ path }) => path)
    .filter((path) => path.startsWith('docs/') && path !== 'docs/README.md')
    .filter((path) => !index.includes(`(${path.slice('docs/'.length)})`))
    .map((path) => `docs/README.md does not list ${path}`)
}

/** Code is replaced by empty lines, so that line numbers stay correct. */
const withoutCode = (text: string): string =>
  text.replaceAll(/^```[\s\S]*?^```$/gm, (block) => block.replaceAll(/[^\n]/g, '')).replaceAll(/`[^`\n]*`/g, 'code')

const linksOf = (prose: string): string[] => [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link as string)

function linkProblems({ path, text }: Page, link: string, root: string): string[] {
  if (/^(https?|mailto):/.test(link)) return []
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? path : join(dirname(path), file)
  if (!existsSync(join(root, target))) return [`${path}: ${link} leads nowhere`]
  if (anchor === undefined) return []
  const headings = file === '' ? text : readFileSync(join(root, target), 'utf8')
  return anchorsOf(headings).includes(anchor) ? [] : [`${path}: ${link}: there is no such heading`]
}

const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => headingAnchor(heading as string))

function unknownNames({ path, text }: Page, pattern: RegExp, isKnown: (name: string) => boolean, what: string) {
  const names = new Set([...text.matchAll(pattern)].map(([name]) => name))
  return [...names].filter((name) => !isKnown(name)).map((name) => `${path}: ${what} ${name}`)
}

/** Paths in code that lead nowhere. A part in `<…>` stands for any name. */
function missingFiles({ path, text }: Page, root: string): string[] {
  const named = [...new Set([...text.matchAll(/`([^`\s]+)`/g)].map(([, span]) => span as string))]
  const folders = named.filter((span) => isProjectPath.test(span) && span.endsWith('/') && existsSync(join(root, span)))
  const places = ['', dirname(path), ...folders]
  const exists = (file: string) =>
    places.some((place) => globSync(asPattern(join(place, file)), { cwd: root }).length > 0)
  return named
    .filter((span) => isProjectPath.test(span) || isSourceFile.test(span))
    .filter((file) => !exists(file))
    .map((file) => `${path}: there is no ${file}`)
}

const isProjectPath =
  /^(src|test|scripts|runtimes|docs)\/[\w/<>*-]*(\.([\w.]+\.)?(tsx?|[cm]?js|json|md|py|rb|go|sh|sql|\*))?$/

/** Their folder may be left out when the page names it elsewhere, as `src/engine/pool/`. */
const isSourceFile = /^[\w/<>-]+\.tsx?$/

const asPattern = (path: string): string => path.replaceAll(/<[^>]*>/g, '*')

/** Variables of workers and tests are not settings of the server. */
const notOfTheServer = new Set([
  ...['TAIBAI_SOCKET', 'TAIBAI_SERVER', 'TAIBAI_KEY', 'TAIBAI_BRIDGE', 'TAIBAI_API', 'TAIBAI_REQUIRE_DOCKER'],
])

const isSetting = (name: string, { settings }: Known): boolean =>
  name.startsWith('TAIBAI_TEST_') || notOfTheServer.has(name) || settings.has(name)

/** Tables and code may be longer, and so may the output of `cli-docs.ts`. */
function longLines({ path }: Page, prose: string): string[] {
  if (!/^(README|CONTRIBUTING|SECURITY|CHANGELOG)\.md$|^docs\//.test(path) || path === 'docs/cli.md') return []
  return prose.split('\n').flatMap((line, index) => {
    const isLong = line.length > longestLine && !line.startsWith('|')
    return isLong ? [`${path}:${index + 1}: longer than ${longestLine} characters`] : []
  })
}
