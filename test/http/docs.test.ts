import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeTestApp } from '../support/test-app.ts'

const { request } = makeTestApp()
const nobody = { as: 'nobody' } as const

describe('the documentation', () => {
  test('answers 404 for unknown pages, and for paths out of the folder', async () => {
    for (const page of ['nothing', 'README.md', '..%2FREADME', '..%2f..%2fpackage.json', '__proto__']) {
      expect((await request('GET', `/docs/${page}`, nobody)).status, page).toBe(404)
    }
  })

  test('has an index of all pages and of the routes', async () => {
    const { text } = await request('GET', '/docs', nobody)
    const files = readdirSync(join(import.meta.dirname, '../../docs')).filter((file) => file.endsWith('.md'))
    const pages = files.map((file) => file.slice(0, -3))
    for (const page of pages.filter((name) => name !== 'README')) expect(text).toContain(`href="docs/${page}"`)
    expect(text).toContain('href="docs/runtimes"')
    expect(text).toContain('href="docs/openapi"')
  })

  test('has no dead link, and fetches nothing from other hosts', async () => {
    const seen = new Set(['/docs'])
    for (const path of seen) {
      const { status, text, headers } = await request('GET', path, nobody)
      expect(status, path).toBe(200)
      if (path === '/openapi.json') continue
      expect(headers.get('Content-Security-Policy'), path).toContain("default-src 'none'")
      expect(text).not.toMatch(/<script|<img|src=|@import/)
      for (const [, link] of text.matchAll(/<a href="([^"]+)"/g)) {
        const { origin, pathname, hash } = new URL(link as string, `http://taibai${path}`)
        if (origin !== 'http://taibai') continue
        if (hash === '') seen.add(pathname)
        else expect((await request('GET', pathname, nobody)).text, link).toContain(`id="${hash.slice(1)}"`)
      }
    }
    expect(seen.size).toBeGreaterThanOrEqual(13)
  })

  test('shows tables, code and headings with anchors', async () => {
    const { text } = await request('GET', '/docs/api', nobody)
    expect(text).toContain('<h2 id="versions-and-aliases">')
    expect(text).toContain('<table>')
    expect(text).toContain('<pre><code class="language-sh">')
  })
})
