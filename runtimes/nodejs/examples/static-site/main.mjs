import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

const types = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
}

/** Read once, when the code is loaded: what is not in here does not exist. */
const files = new Map()
const root = join(import.meta.dirname, 'public')
for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue
  const path = join(entry.parentPath, entry.name)
  const body = readFileSync(path)
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  files.set(path.slice(root.length), { body, etag, type: types[extname(path)] ?? 'application/octet-stream' })
}

export const main = {
  fetch(request) {
    const path = decoded(new URL(request.url).pathname)
    const file = files.get(path) ?? files.get(join(path, 'index.html'))
    if (file === undefined) return new Response('There is no such page.\n', { status: 404 })
    const headers = { 'Content-Type': file.type, ETag: file.etag, 'Cache-Control': 'no-cache' }
    if (request.headers.get('if-none-match') === file.etag) return new Response(null, { status: 304, headers })
    return new Response(request.method === 'HEAD' ? null : file.body, { headers })
  },
}

/** What cannot be decoded is the name of no file. */
function decoded(path) {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
