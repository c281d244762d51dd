import type { Call } from '../../domain/platform/worker.ts'
import type { HttpRequestHead } from '../../domain/runs/http-request.ts'

/** The caller's request; an event becomes the POST that a web server expects. Content-Length is that of the whole body. */
export function requestOf(call: Call): Pick<HttpRequestHead, 'method' | 'target' | 'headers'> {
  const { method, target, headers } = call.http ?? { method: 'POST', target: '/', headers: typeOf(call) }
  const passed = headers.filter(([name]) => !ours.has(name.toLowerCase()))
  if (!passed.some(([name]) => name.toLowerCase() === 'host')) passed.push(['host', 'localhost'])
  const { length } = call.input.body
  if (length > 0 || !bodiless.has(method)) passed.push(['content-length', String(length)])
  passed.push(['x-execution-id', call.executionId])
  return { method, target, headers: passed }
}

/** Header in which an image that may call the API gets the token of a call. */
export const tokenHeader = 'x-taibai-token'

/** Headers about transfer and caller identity, which the caller cannot set. */
const ours = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'transfer-encoding',
  'x-execution-id',
  tokenHeader,
])
const bodiless = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

function typeOf(call: Call): [string, string][] {
  const { kind } = call.input
  if (kind === 'none') return []
  const types = { json: 'application/json', text: 'text/plain; charset=utf-8', bytes: 'application/octet-stream' }
  return [['content-type', types[kind]]]
}
