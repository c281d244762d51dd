const packages = require('../../packages.cjs')
module.exports = packages['@google-cloud/functions-framework/function_registry.js']()
0 && (module.exports = { isValidFunctionName, getRegisteredFunction, http, cloudEvent })
