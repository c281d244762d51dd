import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { notFound } from '../../domain/errors.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import type { Ctx } from '../request-context.ts'

/** The console: static files, and its single page for every address below /console. */

interface Served {
  bytes: Uint8Array<ArrayBuffer>
  gzipped: Uint8Array<ArrayBuffer>
  etag: string
}

const types: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
}

/** Only our own scripts are allowed; the editor inserts styles from its code. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

const notBuilt = 'The console is not built: run "npm run build:console" and load this page again.\n'

export function bindConsole(app: HttpApp, read: (name: string) => Buffer | null): void {
  const known = new Map<string, Served>()
  const find = (name: string): Served | null => {
    const found = known.get(name)
    if (found !== undefined) return found
    const bytes = /^[\w-]+(\.[\w-]+)*$/.test(name) ? read(name) : null
    if (bytes === null) return null
    const made = { bytes: new Uint8Array(bytes), gzipped: new Uint8Array(gzipSync(bytes)), etag: etagOf(bytes) }
    known.set(name, made)
    return made
  }
  const page = (c: Ctx): Response => {
    const served = find('index.html')
    return served === null ? c.text(notBuilt, 503) : send(c, served, 'html')
  }
  const about = { method: 'get', tag: 'console', public: true, answers: { 200: 'html', 503: 'text' } } as const
  endpoint(app, { ...about, path: '/console', summary: 'The console, for people' }, (c) => page(c))
  endpoint(app, { ...about, path: '/console/:rest{.+}', summary: 'A page or a file of it' }, (c) => {
    const rest = c.req.param('rest')
    const ending = /\.(js|css)$/.exec(rest)?.[1]
    if (ending === undefined) return page(c)
    const served = find(rest)
    if (served === null) throw notFound('File', rest)
    return send(c, served, ending)
  })
}

const etagOf = (bytes: Buffer): string => `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`

function send(c: Ctx, { bytes, gzipped, etag }: Served, ending: string): Response {
  const headers = {
    'Content-Type': types[ending] as string,
    'Content-Security-Policy': policy,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-cache',
    ETag: etag,
    Vary: 'Accept-Encoding',
  }
  if (c.req.header('If-None-Match') === etag) return c.body(null, 304, headers)
  const takesGzip = /\bgzip\b/.test(c.req.header('Accept-Encoding') ?? '')
  return takesGzip ? c.body(gzipped, 200, { ...headers, 'Content-Encoding': 'gzip' }) : c.body(bytes, 200, headers)
}
