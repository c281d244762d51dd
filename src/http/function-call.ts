import type { IncomingMessage } from 'node:http'
import type { HttpRequestHead } from '../domain/worker.ts'
import { notPassed } from './function-headers.ts'
import { outsideOf } from './request-url.ts'

/** Which function a URL names, where that one lives, and what is asked of it. */
export interface Place {
  name: string
  /** `/fn/hello` as it was written. */
  mount: string
  /** Path and query below it. */
  below: string
}

const start = '/fn/'

/** `/fn/hello/a/b?c=1` → `hello` at `/fn/hello`, asked for `/a/b?c=1`. */
export function placeOf(url: string): Place {
  const length = url.slice(start.length).search(/[/?]/)
  const end = length === -1 ? url.length : start.length + length
  const below = url.slice(end)
  return {
    name: decoded(url.slice(start.length, end)),
    mount: url.slice(0, end),
    below: below.startsWith('/') ? below : `/${below}`,
  }
}

/** What cannot be decoded is the name of no function. */
function decoded(name: string): string {
  if (!name.includes('%')) return name
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** The caller's request as the function sees it, and where the function lives. */
export function requestHead(incoming: IncomingMessage, place: Place, trustProxy: boolean): HttpRequestHead {
  const { origin, prefix: outer } = outsideOf(ownPlace(incoming), (name) => headerOf(incoming, name), trustProxy)
  const prefix = outer + place.mount
  const headers = headersFor(incoming)
  if (prefix !== '') headers.push(['x-forwarded-prefix', prefix])
  const url = origin + outer + (incoming.url as string)
  return { method: incoming.method as string, target: place.below, prefix, url, headers }
}

const looksLikeHost = /^[\w.:[\]-]+$/

function ownPlace({ headers: { host = '' } }: IncomingMessage): { scheme: string; host: string } {
  return { scheme: 'http', host: looksLikeHost.test(host) ? host : 'localhost' }
}

const headerOf = ({ headers }: IncomingMessage, name: string): string | undefined => headers[name] as string | undefined

/** Authorization is the function's when the caller came with X-Auth-Token; the prefix is ours to tell. */
function headersFor(incoming: IncomingMessage): [string, string][] {
  const headers: [string, string][] = []
  const oursIsBearer = incoming.headers['x-auth-token'] === undefined
  const { rawHeaders } = incoming
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase()
    if (notPassed.has(name) || name === 'x-forwarded-prefix' || (oursIsBearer && name === 'authorization')) continue
    headers.push([name, rawHeaders[at + 1] as string])
  }
  return headers
}
