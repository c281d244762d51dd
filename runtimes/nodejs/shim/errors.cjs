/** What is told of an error: its class, its message, and a trace that shows the function alone. */

const { builtin, types } = require('./builtins.cjs')
const { isFrameOfNode } = require('./node-internals.cjs')
const { inspect } = builtin('node:util')

const maxErrorLength = 65536
/** Prefixes that paths in a trace are shown without. */
let hiddenPrefixes = []

/** Errors of the shim's own; a trace of them would show nothing of the function. */
class Refusal extends Error {
  stack = ''
}

/** Paths in traces are told as they are in the package. */
function hideFolder(codeFolder) {
  hiddenPrefixes = [`file://${codeFolder}/`, `${codeFolder}/`]
}

function describeError(error) {
  try {
    if (!isError(error)) return { type: nameOfType(error), message: cut(textOfThrown(error)), stack: '' }
    return { type: nameOfError(error), message: cut(String(error.message)), stack: cut(stackOf(error, 0)) }
  } catch {
    return { type: 'Error', message: 'what was thrown cannot be read', stack: '' }
  }
}

function lastWords(error) {
  const { type, message, stack } = describeError(error)
  return stack || `${type}: ${message}`
}

function isError(value) {
  return types.isNativeError(value) || value instanceof Error
}

/** The class, unless the error says otherwise itself. */
function nameOfError(error) {
  const own = Object.hasOwn(error, 'name') && typeof error.name === 'string' ? error.name : ''
  return own || error.constructor?.name || 'Error'
}

function nameOfType(value) {
  return (typeof value === 'object' && value?.constructor?.name) || typeof value
}

function textOfThrown(value) {
  return typeof value === 'string' ? value : inspect(value)
}

/** The trace without the frames of the shim and of Node's loader. */
function stackOf(error, depth) {
  if (typeof error.stack !== 'string') return ''
  const lines = error.stack.split('\n').filter((line) => !isOwnFrame(line))
  const stack = hiddenPrefixes.reduce((text, prefix) => text.replaceAll(prefix, ''), lines.join('\n'))
  const { cause } = error
  if (cause === undefined || depth === 4) return stack
  return `${stack}\nCaused by: ${isError(cause) ? stackOf(cause, depth + 1) : textOfThrown(cause)}`
}

function isOwnFrame(line) {
  return /^\s+at /.test(line) && (line.includes(`${__dirname}/`) || isFrameOfNode(line))
}

function cut(text) {
  return text.length > maxErrorLength ? `${text.slice(0, maxErrorLength)}…` : text
}

module.exports = { describeError, hideFolder, lastWords, Refusal }
