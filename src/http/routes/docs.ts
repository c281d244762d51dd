import { notFound } from '../../domain/errors.ts'
import type { DocPage } from '../../domain/platform/doc-page.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import type { Ctx } from '../request-context.ts'

/** The documentation for people. `read` and the Markdown renderer run at the first request. */
export function bindDocs(app: HttpApp, read: () => DocPage[]): void {
  const made = new Map<string, Promise<string>>()
  const show = async (c: Ctx, name: string) => {
    const html = made.get(name) ?? rendered(read(), name)
    made.set(name, html)
    html.catch(() => made.delete(name))
    return c.html(await html, 200, { 'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'" })
  }

  endpoint(
    app,
    {
      method: 'get',
      path: '/docs',
      tag: 'documentation',
      summary: 'The documentation: its index',
      public: true,
      answers: { 200: 'html' },
    },
    (c) => show(c, 'README'),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/docs/:page',
      tag: 'documentation',
      summary: 'A page of the documentation',
      public: true,
      answers: { 200: 'html' },
      refusals: ['not_found'],
    },
    (c) => show(c, c.req.param('page')),
  )
}

async function rendered(pages: DocPage[], name: string): Promise<string> {
  const page = pages.find((one) => one.name === name)
  if (page === undefined) throw notFound('page', name)
  const { renderDocPage } = await import('../pages/docs-pages.ts')
  return renderDocPage(page, new Set(pages.map((one) => one.name)))
}
