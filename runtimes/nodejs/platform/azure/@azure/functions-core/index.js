// The platform's own half of Azure Functions, which the shim has put where this finds it.
module.exports = globalThis[Symbol.for('io.taibai.azure-functions-core')]
