/**
 * CloudEvents as arguments and results of functions. The server has already parsed the mode: the shim gets attributes and data.
 */

const { dateNow, toJson, types } = require('./builtins.cjs')

/** The attributes of a call's event; undefined: the call is not an event. */
function attributesIn(http) {
  if (http === undefined || !http.headers.some(([name]) => name === 'ce-specversion')) return undefined
  const attributes = {}
  for (const [name, value] of http.headers) {
    if (name.startsWith('ce-')) attributes[name.slice(3)] = value
    else if (name === 'content-type' && !value.startsWith('application/cloudevents')) attributes.datacontenttype = value
  }
  return attributes
}

/** An object with attributes, extensions and data. A call that is not an event gets attributes of ours. */
function eventOf({ execution_id: id, trigger, http }, fn, input) {
  const attributes = attributesIn(http)
  if (attributes !== undefined) return input === null ? attributes : { ...attributes, data: input }
  if (isEvent(input)) return structured(input)
  const type = typeNames[trigger] ?? 'io.taibai.function.called'
  const time = new Date(dateNow()).toISOString()
  const event = { specversion: '1.0', id, source: `/v1/functions/${fn.function_id}`, type, time }
  return input === null ? event : { ...event, datacontenttype: contentTypeOf(input), data: input }
}

const typeNames = { job: 'io.taibai.job.fired' }

function contentTypeOf(input) {
  if (types.isUint8Array(input)) return 'application/octet-stream'
  return typeof input === 'string' ? 'text/plain' : 'application/json'
}

function isEvent(value) {
  if (typeof value !== 'object' || value === null || types.isUint8Array(value)) return false
  return ['specversion', 'id', 'source', 'type'].every((name) => typeof value[name] === 'string' && value[name] !== '')
}

function structured({ data_base64: base64, ...event }) {
  return base64 === undefined ? event : { ...event, data: Buffer.from(base64, 'base64') }
}

/** Head and body of a response in the binary mode; undefined: the value is not an event. */
function answerOf(value) {
  if (!isEvent(value)) return undefined
  const { data, datacontenttype, ...attributes } = structured(
    typeof value.toJSON === 'function' ? value.toJSON() : value,
  )
  const headers = Object.entries(attributes)
    .filter(([, one]) => one !== undefined && one !== null)
    .map(([name, one]) => [`ce-${name}`, encoded(String(one))])
  if (data === undefined) return { status: 200, headers, body: '' }
  headers.push(['content-type', datacontenttype ?? contentTypeOf(data)])
  const isPlain = types.isUint8Array(data) || (typeof data === 'string' && !/[/+]json\b/.test(datacontenttype ?? ''))
  return { status: 200, headers, body: isPlain ? data : toJson(data) }
}

/** Percent-encodes as the HTTP binding requires: non-printable and non-ASCII characters, `"` and `%`. */
function encoded(text) {
  return text.replaceAll(/[^\x21\x23\x24\x26-\x7e]+/g, (part) =>
    [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

module.exports = { answerOf, attributesIn, eventOf, isEvent }
