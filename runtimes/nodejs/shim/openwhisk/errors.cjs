/** Converts an exception to the value of `error` in an action's response. */

const { types } = require('../builtins.cjs')

/** All its properties, including those that JSON omits; cycles are cut. */
function serialised(error, seen = []) {
  if (typeof error !== 'object' || error === null) return error
  if (seen.includes(error)) return '[Circular]'
  if (!isError(error)) return error
  const around = [...seen, error]
  const own = Object.entries(error).filter(([, value]) => typeof value !== 'function')
  const shown = Object.fromEntries(own.map(([key, value]) => [key, serialised(value, around)]))
  for (const name of ['name', 'message', 'stack', 'code']) {
    if (typeof error[name] === 'string') shown[name] = error[name]
  }
  return error.cause === undefined ? shown : { ...shown, cause: serialised(error.cause, around) }
}

const isError = (value) => types.isNativeError(value) || value instanceof Error

module.exports = { serialised }
