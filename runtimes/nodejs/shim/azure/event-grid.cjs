/** Event Grid's webhook of an app: the handshake, and deliveries in its own schema or as CloudEvents. */

const { parseJson, toJson } = require('../builtins.cjs')

const webhookPath = '/runtime/webhooks/eventgrid'
const validation = 'Microsoft.EventGrid.SubscriptionValidationEvent'

/** Whether a request names the webhook itself, before any route of the app. */
const isEventGrid = ({ http: { target } }) => target.split('?')[0].toLowerCase() === webhookPath

/**
 * What a request wants of Event Grid's webhook: `{fn, events}`, or `{status, headers, body}` to answer with. Undefined: it is
 * another request. A webhook of this server may call the only function of Event Grid without naming it.
 */
function deliveryIn({ functions }, { http: { method, target, headers, key }, trigger }, body) {
  const [, query] = target.split('?')
  const isItsPath = isEventGrid({ http: { target } })
  if (!isItsPath && trigger !== 'webhook') return undefined
  if (trigger !== 'webhook' && key === undefined) return { status: 401 }
  const fn = receiverOf(functions, new URLSearchParams(query).get('functionName'), isItsPath)
  if (fn === undefined) return isItsPath ? { status: 404 } : undefined
  const told = Object.fromEntries(headers)
  if (method === 'OPTIONS') return allowed(told)
  if (method !== 'POST') return { status: 405 }
  try {
    return received(fn, told, body)
  } catch {
    return { status: 400 }
  }
}

function receiverOf(functions, name, isItsPath) {
  const all = functions.filter(({ trigger }) => /^eventGridTrigger$/i.test(trigger.type))
  if (name !== null) return all.find((one) => one.name.toLowerCase() === name.toLowerCase())
  return !isItsPath && all.length === 1 ? all[0] : undefined
}

/** The handshake of CloudEvents' webhooks. */
function allowed(told) {
  const origin = told['webhook-request-origin']
  if (origin === undefined) return { status: 400 }
  const rate = told['webhook-request-rate'] === undefined ? [] : [['webhook-allowed-rate', '*']]
  return { status: 200, headers: [['webhook-allowed-origin', origin], ...rate] }
}

function received(fn, told, body) {
  if (told['ce-specversion'] !== undefined) return { fn, events: [binaryEvent(told, body)] }
  if (/^unsubscribe$/i.test(told['aeg-event-type'] ?? '')) return { status: 202 }
  const value = parseJson(body.toString())
  const events = Array.isArray(value) ? value : [value]
  if (events.some((one) => typeof one !== 'object' || one === null)) return { status: 400 }
  const first = events.find((one) => one.eventType === validation)
  if (first === undefined) return { fn, events }
  const text = toJson({ validationResponse: first.data.validationCode })
  return { status: 200, headers: [['content-type', 'application/json; charset=utf-8']], body: text }
}

/** A CloudEvent in headers, as one object. */
function binaryEvent(told, body) {
  const event = {}
  for (const [name, value] of Object.entries(told)) if (name.startsWith('ce-')) event[name.slice(3)] = decoded(value)
  const type = told['content-type']
  if (type !== undefined) event.datacontenttype = type
  if (body.length === 0) return event
  if (type === undefined || /[/+]json\b/i.test(type)) return { ...event, data: parseJson(body.toString()) }
  if (/^text\//i.test(type)) return { ...event, data: body.toString() }
  return { ...event, data_base64: body.toString('base64') }
}

function decoded(value) {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

module.exports = { deliveryIn, isEventGrid }
