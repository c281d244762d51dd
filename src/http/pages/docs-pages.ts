import type { DocPage } from '../../domain/platform/doc-page.ts'
import { markdownToHtml } from './markdown.ts'
import { pageStyle } from './page-style.ts'

/** A page of the documentation as HTML, without scripts and external resources. `names`: of all pages. */
export function renderDocPage(page: DocPage, names: Set<string>): string {
  const title = /^# (.+)$/m.exec(page.markdown)?.[1] ?? page.name
  const isIndex = page.name === indexName
  const way = isIndex ? '' : '<nav><a href="../docs">Documentation</a></nav>'
  // Relative links, because a proxy may add a prefix.
  const folder = isIndex ? 'docs/' : ''
  const body = markdownToHtml(page.markdown, (link) => shownTarget(link, folder, names))
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title} · Taibai</title><style>${pageStyle}</style>
${way}${body}${isIndex ? openApiHint : ''}</html>`
}

/** The page that lists the others. */
const indexName = 'README'

const openApiHint = '<p>Every route: <a href="docs/openapi">as a page</a>, <a href="openapi.json">for programs</a>.</p>'

/** Links between files become links between pages. */
function shownTarget(link: string, folder: string, names: Set<string>): string | null {
  if (/^https?:/.test(link) || link.startsWith('#')) return link
  const [, file = '', anchor = ''] = /^([^#]*)(#.*)?$/.exec(link) ?? []
  if (file === '../runtimes/README.md') return `${folder}runtimes${anchor}`
  const name = /^(?:\.\/)?([\w-]+)\.md$/.exec(file)?.[1]
  return name !== undefined && names.has(name) ? `${folder}${name}${anchor}` : null
}
