import type { IncomingMessage } from 'node:http'
import type { HttpRequestHead } from '../../domain/runs/http-request.ts'
import { isOwnToken } from '../../services/platform/token-secret.ts'
import { bearerOf } from '../access/token-header.ts'
import { externalUrlOf } from '../connection/request-url.ts'
import { notPassed } from './function-headers.ts'

/** The function that a URL names, the path of the function itself, and the rest of the URL. */
export interface FunctionUrl {
  /** Name or id. */
  name: string
  /** `/fn/hello` as in the URL; empty for a function with a host name of its own. */
  mount: string
  /** Path and query below it. */
  below: string
  /** True for Fission's router, whose headers and responses apply. */
  isFission?: true
  /** True for asynchronous calls of OpenFaaS's gateway. */
  isAsyncOpenFaas?: true
}

const start = '/fn/'
const fissionStart = '/fission-function/'

/** The root of a function's own host name. */
export const rootFunctionUrl = (functionId: string, url: string): FunctionUrl => ({
  name: functionId,
  mount: '',
  below: url,
})

/** A function that is called by one exact path. */
export function exactFunctionUrl(name: string, url: string): FunctionUrl {
  const end = url.indexOf('?')
  return end === -1 ? { name, mount: url, below: '/' } : { name, mount: url.slice(0, end), below: `/${url.slice(end)}` }
}

/** `/fn/hello/a/b?c=1` → `hello` at `/fn/hello`, asked for `/a/b?c=1`. */
export const functionUrlOf = (url: string): FunctionUrl => placeBehind(url, start.length)

function placeBehind(url: string, from: number): FunctionUrl {
  const length = url.slice(from).search(/[/?]/)
  const end = length === -1 ? url.length : from + length
  const below = url.slice(end)
  return {
    name: decodeName(url.slice(from, end)),
    mount: url.slice(0, end),
    below: below.startsWith('/') ? below : `/${below}`,
  }
}

/** `/fission-function/hello`, optionally with a namespace: `/fission-function/default/hello`. Null: another URL. */
export function fissionUrlOf(url: string): FunctionUrl | null {
  if (!url.startsWith(fissionStart)) return null
  const namespace = /^default\/(?=[^/?])/.exec(url.slice(fissionStart.length))?.[0] ?? ''
  const place = placeBehind(url, fissionStart.length + namespace.length)
  // Fission separates an alias by a colon, like a version.
  return { ...place, name: place.name.replace(/:(?!\d+$)/, '@'), isFission: true }
}

/** `/function/hello` of OpenFaaS's gateway, or `/async-function/hello`, optionally with a namespace. Null: another URL. */
export function openFaasUrlOf(url: string): FunctionUrl | null {
  const start = /^\/(async-)?function\/(?=[^/?])/.exec(url)
  if (start === null) return null
  const place = placeBehind(url, start[0].length)
  const own = { ...place, name: place.name.replace(/\.openfaas-fn$/, '') }
  return start[1] === undefined ? own : { ...own, isAsyncOpenFaas: true }
}

/** A name that cannot be decoded matches nothing. */
export function decodeName(name: string): string {
  if (!name.includes('%')) return name
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** The caller's request as the function sees it, and the function's own path. `spent`: the token that admitted the caller. */
export function requestHead(
  incoming: IncomingMessage,
  place: FunctionUrl,
  spent: string | null,
  trustProxy: boolean,
): HttpRequestHead {
  const { origin, prefix: outer } = externalUrlOf(ownPlace(incoming), (name) => headerOf(incoming, name), trustProxy)
  const prefix = outer + place.mount
  const headers = headersFor(incoming, spent)
  if (prefix !== '') headers.push(['x-forwarded-prefix', prefix])
  const url = origin + outer + (incoming.url as string)
  return { method: incoming.method as string, target: place.below, prefix, url, headers }
}

const looksLikeHost = /^[\w.:[\]-]+$/

function ownPlace({ headers: { host = '' } }: IncomingMessage): { scheme: string; host: string } {
  return { scheme: 'http', host: looksLikeHost.test(host) ? host : 'localhost' }
}

const headerOf = ({ headers }: IncomingMessage, name: string): string | undefined => headers[name] as string | undefined

/** Sets the prefix header and removes our own token; any other Authorization or key is passed to the function. */
function headersFor(incoming: IncomingMessage, spent: string | null): [string, string][] {
  const headers: [string, string][] = []
  const { rawHeaders } = incoming
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase()
    const value = rawHeaders[at + 1] as string
    if (notPassed.has(name) || name === 'x-forwarded-prefix') continue
    if (name === 'authorization' && isOurs(bearerOf(value), spent)) continue
    if (name === 'x-functions-key' && isOurs(value, spent)) continue
    headers.push([name, value])
  }
  return headers
}

const isOurs = (token: string | null, spent: string | null): boolean =>
  token !== null && (token === spent || isOwnToken(token))
