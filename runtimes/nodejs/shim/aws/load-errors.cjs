/** Names of AWS Lambda for errors of loading. */

const names = {
  form: 'Runtime.MalformedHandlerName',
  module: 'Runtime.ImportModuleError',
  export: 'Runtime.HandlerNotFound',
}

const notFound = new Set(['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED'])

/** `missing`: the missing part of the entry, if any. Only the name changes; the text stays. */
function describeLoadError(error) {
  if (typeof error !== 'object' || error === null) return error
  const name = names[error.missing] ?? nameOf(error)
  if (name !== undefined) Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  return error
}

function nameOf(error) {
  if (notFound.has(error.code)) return 'Runtime.ImportModuleError'
  return error instanceof SyntaxError ? 'Runtime.UserCodeSyntaxError' : undefined
}

module.exports = { describeLoadError }
