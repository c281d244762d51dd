/** Describes an error: its class, its message, and a trace with the function's frames only. */

const { builtin, types } = require('./builtins.cjs')
const { isFrameOfNode } = require('./node-internals.cjs')
const { inspect } = builtin('node:util')

const maxErrorLength = 65536
/** Prefixes that are removed from paths in a trace. */
let hiddenPrefixes = []

/** Errors of the shim itself; their trace would show nothing of the function. */
class Refusal extends Error {
  stack = ''
}

/** Paths in traces are relative to the package. */
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

/** The class's name, unless the error sets its own. */
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

/** The trace without frames of the shim and of Node's loader. */
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
