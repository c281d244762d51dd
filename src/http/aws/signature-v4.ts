import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { AwsError } from './aws-error.ts'

/** AWS Signature Version 4, verified as a service does. Pure. */

export interface SignedRequest {
  method: string
  /** The raw path, not decoded. */
  path: string
  /** The raw query without `?`. */
  query: string
  /** Headers in their original order. */
  headers: [name: string, value: string][]
  body: Buffer
}

/** The parsed Authorization header. */
export interface Authorization {
  keyId: string
  day: string
  region: string
  service: string
  signedHeaders: string[]
  signature: string
}

const algorithm = 'AWS4-HMAC-SHA256'
const mostSkewMs = 5 * 60_000
const ourService = 'lambda'

const invalidSignature = (message: string): AwsError => new AwsError(403, 'InvalidSignatureException', message)

/** Throws AwsError for a header that is not of this scheme. */
export function readAuthorization(header: string): Authorization {
  if (!header.startsWith(`${algorithm} `)) {
    throw invalidSignature(`Sign with ${algorithm} in the Authorization header; other ways are not supported here.`)
  }
  const parts = new Map(
    header
      .slice(algorithm.length)
      .split(',')
      .map((part) => part.trim())
      .map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)] as const),
  )
  const [keyId, day, region, service, end, ...more] = (parts.get('Credential') ?? '').split('/')
  const signedHeaders = (parts.get('SignedHeaders') ?? '').split(';')
  const signature = parts.get('Signature') ?? ''
  if (!keyId || !day || !region || !service || end !== 'aws4_request' || more.length > 0 || signedHeaders[0] === '') {
    throw invalidSignature('The Authorization header has no Credential, SignedHeaders and Signature of the usual form.')
  }
  return { keyId, day, region, service, signedHeaders, signature }
}

/** Throws AwsError unless the holder of the secret sent exactly this request, recently. */
export function checkSignature(request: SignedRequest, by: Authorization, secret: string, nowMs: number): void {
  const headers = byName(request.headers)
  const date = headers.get('x-amz-date') ?? ''
  checkScope(by, date, nowMs)
  for (const name of ['host', 'x-amz-date']) {
    if (!by.signedHeaders.includes(name)) throw invalidSignature(`The header ${name} must be among those signed.`)
  }
  const unsent = by.signedHeaders.find((name) => !headers.has(name))
  if (unsent !== undefined) throw invalidSignature(`The header ${unsent} is signed but missing.`)
  const wanted = signatureOf(canonicalRequest(request, by.signedHeaders, headers), by, date, secret)
  if (!isSame(wanted, by.signature)) {
    throw invalidSignature(
      'The signature does not match the request: check the secret access key, and that a proxy passes Host on.',
    )
  }
}

function checkScope(by: Authorization, date: string, nowMs: number): void {
  const at = timeOf(date)
  if (at === null) throw invalidSignature('X-Amz-Date is missing, or not of the form 20261129T000000Z.')
  if (Math.abs(at - nowMs) > mostSkewMs) {
    const now = new Date(nowMs).toISOString()
    throw invalidSignature(
      `Signature expired: ${date} is more than 5 minutes from the time here, ${now}. Set the clock.`,
    )
  }
  if (by.day !== date.slice(0, 8)) throw invalidSignature('The day of the credential is not that of X-Amz-Date.')
  if (by.service !== ourService)
    throw invalidSignature(`The credential is for ${by.service}; it must be for ${ourService}.`)
}

function timeOf(date: string): number | null {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date)
  if (parts === null) return null
  const [, year, month, day, hour, minute, second] = parts
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(at) ? null : at
}

function canonicalRequest(request: SignedRequest, signed: string[], headers: Map<string, string>): string {
  const lines = signed.map((name) => `${name}:${(headers.get(name) as string).trim().replaceAll(/ +/g, ' ')}\n`)
  return [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    lines.join(''),
    signed.join(';'),
    payloadHash(request.body, headers.get('x-amz-content-sha256')),
  ].join('\n')
}

/** Each raw segment, encoded once more. */
const canonicalPath = (path: string): string => path.split('/').map(encoded).join('/') || '/'

function canonicalQuery(query: string): string {
  if (query === '') return ''
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=')
      const [name, value] = at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
      return [encoded(decoded(name)), encoded(decoded(value))] as const
    })
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalidSignature('The query cannot be decoded.')
  }
}

/** Letters, digits and `-_.~` stay. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)

function payloadHash(body: Buffer, said: string | undefined): string {
  if (said === 'UNSIGNED-PAYLOAD') return said
  const hash = createHash('sha256').update(body).digest('hex')
  if (said === undefined || isSame(said, hash)) return hash
  if (said.startsWith('STREAMING-')) throw invalidSignature('Bodies that are signed chunk by chunk are not supported.')
  throw invalidSignature('X-Amz-Content-SHA256 is not the hash of the body that came.')
}

function signatureOf(canonical: string, { day, region, service }: Authorization, date: string, secret: string): string {
  const scope = [day, region, service, 'aws4_request']
  const hash = createHash('sha256').update(canonical).digest('hex')
  const text = [algorithm, date, scope.join('/'), hash].join('\n')
  const key = scope.reduce<Buffer | string>((key, part) => hmac(key, part), `AWS4${secret}`)
  return hmac(key, text).toString('hex')
}

const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest()

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** Repeated headers are joined, as they are signed. */
function byName(pairs: [string, string][]): Map<string, string> {
  const headers = new Map<string, string>()
  for (const [given, value] of pairs) {
    const name = given.toLowerCase()
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  return headers
}
