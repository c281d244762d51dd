import type { WhiskBody } from './whisk-call.ts'
import { WhiskError, whiskBadRequest } from './whisk-error.ts'

/** The result of a web action as an HTTP response, by the requested extension. Pure. Throws WhiskError. */

export interface WebAnswer {
  status: number
  headers: [name: string, value: string][]
  body: Buffer
}

const extensions = ['http', 'json', 'html', 'svg', 'text'] as const

export type Extension = (typeof extensions)[number]

/** Splits an action's name from its extension; the default is `http`. */
export function splitExtension(text: string): { name: string; extension: Extension } {
  const found = extensions.find((extension) => text.endsWith(`.${extension}`) && text.length > extension.length + 1)
  if (found === undefined) return { name: text, extension: 'http' }
  return { name: text.slice(0, -found.length - 1), extension: found }
}

export function webAnswer(result: unknown, extension: Extension): WebAnswer {
  if (extension === 'http') return httpAnswer(result)
  if (extension === 'json') return jsonAnswer(result)
  return projected(result, extension)
}

const invalidMedia = (type: string): WhiskError => whiskBadRequest(`Response is not valid '${type}'.`)

const isObject = (value: unknown): value is WhiskBody =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const jsonText = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

function jsonAnswer(result: unknown): WebAnswer {
  if (typeof result !== 'object' || result === null) throw invalidMedia('application/json')
  return { status: 200, headers: [['content-type', 'application/json']], body: jsonText(result) }
}

const types = { html: 'text/html; charset=UTF-8', svg: 'image/svg+xml', text: 'text/plain; charset=UTF-8' }

function projected(result: unknown, extension: keyof typeof types): WebAnswer {
  const value = isObject(result) ? (result.body ?? result[extension]) : undefined
  if (value === undefined) throw new WhiskError(404, 'Response does not include requested property.')
  if (typeof value !== 'string' && extension !== 'text') throw invalidMedia(types[extension].split(';', 1)[0] as string)
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2)
  return { status: 200, headers: [['content-type', types[extension]]], body: Buffer.from(text) }
}

function httpAnswer(result: unknown): WebAnswer {
  if (!isObject(result)) throw invalidMedia('message/http')
  const { statusCode, headers, body } = result
  const pairs = pairsOf(headers)
  if (body === undefined || body === null || body === '') {
    const without = pairs.filter(([name]) => name !== 'content-type')
    return { status: statusOf(statusCode, 204), headers: without, body: Buffer.alloc(0) }
  }
  const status = statusOf(statusCode, 200)
  const said = pairs.find(([name]) => name === 'content-type')?.[1]
  const type = said ?? (typeof body === 'string' ? 'text/html; charset=UTF-8' : 'application/json')
  const bytes = typeof body === 'string' ? bytesOf(body, type) : jsonBody(body, type)
  return { status, headers: said === undefined ? [...pairs, ['content-type', type]] : pairs, body: bytes }
}

function jsonBody(body: unknown, type: string): Buffer {
  if (isJson(type)) return jsonText(body)
  throw whiskBadRequest('Response type in header did not match generated content type.')
}

const bareType = (type: string): string => (type.split(';', 1)[0] as string).trim().toLowerCase()

const isJson = (type: string): boolean => /^application\/(json$|[\w.-]+\+json$)/.test(bareType(type))

const textTypes =
  /^(text\/.*|application\/(xml|javascript|x-javascript|ecmascript|x-www-form-urlencoded|[\w.-]+\+xml))$/

/** Binary types are base64 encoded, JSON may be; text is sent as it is. */
function bytesOf(body: string, type: string): Buffer {
  const bare = bareType(type)
  if (isJson(type)) return isBase64(body) ? Buffer.from(body, 'base64') : Buffer.from(body)
  if (textTypes.test(bare)) return Buffer.from(body)
  if (isBase64(body)) return Buffer.from(body, 'base64')
  if (bare === 'image/svg+xml') return Buffer.from(body)
  throw invalidMedia(bare)
}

const isBase64 = (text: string): boolean => text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)

function statusOf(given: unknown, usual: number): number {
  if (given === undefined || given === null) return usual
  const status = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given
  if (typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599) return status
  throw whiskBadRequest(`Response code is not allowed: ${JSON.stringify(given)}.`)
}

const nameForm = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const valueForm = /^[\t\x20-\x7e\x80-\xff]*$/
/** Headers about the transfer of a body, which the server sets. */
const hopByHop = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'trailer'])

function pairsOf(given: unknown): [string, string][] {
  if (given === undefined || given === null) return []
  if (!isObject(given)) throw whiskBadRequest('Response headers are not valid: they must be an object.')
  return Object.entries(given)
    .flatMap(([name, value]) => [value].flat().map((one): [string, unknown] => [name.toLowerCase(), one]))
    .map(([name, value]): [string, string] => [name, textOf(name, value)])
    .filter(([name]) => !hopByHop.has(name))
}

function textOf(name: string, value: unknown): string {
  const isPlain = ['string', 'number', 'boolean'].includes(typeof value)
  if (isPlain && nameForm.test(name) && valueForm.test(String(value))) return String(value)
  throw whiskBadRequest(`Response headers are not valid: ${JSON.stringify(name.slice(0, 100))}.`)
}
