/** Converts values between Azure's host and its libraries. */

const { dateNow, parseJson, toJson } = require('../builtins.cjs')

/** The request of an HTTP trigger. */
function httpData({ method, target, url, prefix = '', headers }, params, body) {
  const joined = {}
  for (const [name, value] of headers) joined[name] = name in joined ? `${joined[name]}, ${value}` : value
  const whole = url ?? `http://${joined.host ?? 'localhost'}${prefix}${target}`
  const query = Object.fromEntries(new URLSearchParams(target.split('?')[1] ?? ''))
  return { method, url: whole, headers: joined, query, params, ...bodyData(body) }
}

/** A request without a body has none here either: some versions of the library refuse an empty one of a GET. */
const bodyData = (body) => (body.length === 0 ? {} : { body: { bytes: body } })

/** The trigger data of other functions: `given` is `{kind, text, body}`. */
function inputData({ trigger }, given, meta) {
  const type = trigger.type.toLowerCase()
  if (type === 'httptrigger') return { data: { http: posted(given) }, metadata: {} }
  if (type === 'timertrigger') return { data: { json: timerText(given) }, metadata: {} }
  const metadata = type === 'queuetrigger' ? queueMetadata(trigger, meta, given.text) : {}
  if (type === 'blobtrigger' || given.kind === 'bytes') return { data: { bytes: given.body }, metadata }
  if (given.kind === 'none') return { data: { string: '' }, metadata }
  return { data: given.kind === 'json' ? { json: given.text } : { string: given.text }, metadata }
}

const types = { json: 'application/json', text: 'text/plain', bytes: 'application/octet-stream' }

function posted({ kind, body }) {
  const headers = types[kind] === undefined ? {} : { 'content-type': types[kind] }
  return { method: 'POST', url: 'http://localhost/', headers, query: {}, params: {}, ...bodyData(body) }
}

/** What the server says of a schedule; a timer that is called by name has none. */
function timerText({ kind, text }) {
  if (kind === 'json' && parseJson(text)?.ScheduleStatus !== undefined) return text
  const now = new Date(dateNow()).toISOString()
  return toJson({
    Schedule: { AdjustForDST: true },
    ScheduleStatus: { Last: now, Next: now, LastUpdated: now },
    IsPastDue: false,
  })
}

function queueMetadata({ queueName }, { execution_id: id, attempt = 1 }, text) {
  const now = new Date(dateNow())
  const json = (value) => ({ json: toJson(value) })
  return {
    Id: json(id),
    DequeueCount: json(attempt),
    InsertionTime: json(now.toISOString()),
    ExpirationTime: json(new Date(now.getTime() + 7 * 86_400_000).toISOString()),
    NextVisibleTime: json(now.toISOString()),
    PopReceipt: json(id),
    QueueTrigger: json(text),
    QueueName: json(queueName ?? ''),
  }
}

const valueIn = (data) => {
  if (data === undefined || data === null) return null
  if (data.json !== undefined) return parseJson(data.json)
  if (data.string !== undefined) return data.string
  if (data.bytes !== undefined) return Buffer.from(data.bytes)
  const [value = null] = Object.values(data)
  return value?.string ?? value?.bytes ?? value?.double ?? value?.sint64 ?? value
}

/** The value of the HTTP output binding; undefined: none. */
function httpOutput({ bindings }, { returnValue, outputData = [] }) {
  const out = bindings.find(({ type, direction }) => type === 'http' && direction === 'out')
  const named = outputData.find(({ name }) => name === out?.name)?.data
  return (out?.name === '$return' ? returnValue : (named ?? returnValue))?.http
}

/** `{head, body}` of the HTTP response. */
function responseOf(fn, response) {
  const http = httpOutput(fn, response)
  if (http === undefined || http === null) return { head: { status: 204, headers: [] }, body: '' }
  const headers = Object.entries(http.headers ?? {}).map(([name, value]) => [name.toLowerCase(), `${value}`])
  for (const cookie of http.cookies ?? []) headers.push(['set-cookie', cookieText(cookie)])
  return { head: { status: Number(http.statusCode ?? 200) || 200, headers }, body: bodyOf(http.body) }
}

function bodyOf(data) {
  const value = data === undefined || data === null ? '' : valueIn(data)
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value
  return value === null ? '' : toJson(value)
}

const optional = (value) =>
  typeof value === 'object' && value !== null ? (value.value ?? Object.values(value)[0]) : value

function cookieText({ name, value, domain, path, expires, maxAge, secure, httpOnly, sameSite }) {
  const parts = [`${name}=${encodeURIComponent(value ?? '')}`]
  const expiry = optional(expires)
  const add = (key, text) => text !== undefined && text !== null && text !== '' && parts.push(`${key}=${text}`)
  add('Max-Age', optional(maxAge))
  add('Domain', optional(domain))
  add('Path', optional(path))
  if (expiry)
    add('Expires', new Date(typeof expiry === 'object' ? Number(expiry.seconds) * 1000 : expiry).toUTCString())
  if (optional(secure)) parts.push('Secure')
  if (optional(httpOnly)) parts.push('HttpOnly')
  const site = { 1: 'Lax', 2: 'Strict', 3: 'None', strict: 'Strict', lax: 'Lax', explicitnone: 'None' }[
    `${sameSite}`.toLowerCase()
  ]
  add('SameSite', site)
  return parts.join('; ')
}

/** The result of a call by name. */
function plainOutput(fn, response) {
  const http = httpOutput(fn, response)
  if (http === undefined || http === null) return { status: 200, value: valueIn(response.returnValue) }
  const { head, body } = responseOf(fn, response)
  const type = head.headers.find(([name]) => name === 'content-type')?.[1] ?? ''
  const text = body.toString()
  if (/[/+]json\b/.test(type) && text !== '') return { status: head.status, value: parseJson(text) }
  return { status: head.status, value: /^text\//.test(type) ? text : body.length === 0 ? null : body }
}

module.exports = { httpData, inputData, plainOutput, responseOf, valueIn }
