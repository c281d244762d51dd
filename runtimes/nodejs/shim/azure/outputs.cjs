/** Output bindings other than HTTP: what a function puts there is handed to the server, as messages. */

const { builtin, toJson } = require('../builtins.cjs')
const { Refusal } = require('../errors.cjs')
const { valueIn } = require('./data.cjs')
const { isUtf8 } = builtin('node:buffer')

class TooManyMessages extends Refusal {}

const mostMessages = 1000
/** Limit of bytes of all messages of a call. */
const mostBytes = 1024 * 1024

/** Fields in which bindings name where their messages go. */
const places = ['queueName', 'topicName', 'eventHubName', 'topicEndpointUri', 'path', 'tableName', 'containerName']

/** JSON of the call's outputs; empty when there are none. */
function outputsText({ name: fn, bindings }, { returnValue, outputData = [] }) {
  const outputs = [{ name: '$return', data: returnValue }, ...outputData]
    .map(({ name, data }) => ({ binding: bindings.find((one) => one.name === name), data }))
    .filter(({ binding }) => binding !== undefined && binding.direction === 'out' && binding.type !== 'http')
    .map(({ binding, data }) => ({ ...placeOf(binding), messages: messagesIn(valueIn(data)) }))
    .filter(({ messages }) => messages.length > 0)
  if (outputs.length === 0) return ''
  const text = toJson(outputs)
  const count = outputs.reduce((sum, { messages }) => sum + messages.length, 0)
  if (count > mostMessages || Buffer.byteLength(text) > mostBytes) {
    throw new TooManyMessages(
      `The outputs of ${fn} hold ${count} messages with ${Buffer.byteLength(text)} bytes: at most ${mostMessages} with ${mostBytes} bytes are taken of one call.`,
    )
  }
  return text
}

function placeOf(binding) {
  const field = places.find((one) => binding[one] !== undefined)
  return { name: binding.name, type: binding.type, to: field === undefined ? null : resolved(binding[field]) }
}

/** `%NAME%` stands for the value of that setting. */
const resolved = (text) => `${text}`.replaceAll(/%([^%]+)%/g, (all, name) => process.env[name] ?? all)

/** Each element of an array is a message. */
function messagesIn(value) {
  if (value === null || value === undefined) return []
  return (Array.isArray(value) ? value : [value]).map(textOf)
}

function textOf(value) {
  if (typeof value === 'string') return value
  if (Buffer.isBuffer(value)) return isUtf8(value) ? value.toString() : value.toString('base64')
  return toJson(value)
}

module.exports = { outputsText, resolved }
