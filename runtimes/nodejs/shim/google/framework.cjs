/** The package's Functions Framework, or ours: finds the function of a target, and creates the server that calls it. */

const { builtin } = require('../builtins.cjs')
const { Refusal } = require('../errors.cjs')
const { exportNames } = require('../load.cjs')
const { fileIn } = require('../platform.cjs')
const { existsSync, readdirSync, readFileSync, statSync } = builtin('node:fs')
const { createRequire } = builtin('node:module')
const { dirname, join, resolve } = builtin('node:path')

class FunctionNotFound extends Refusal {}

const kinds = ['http', 'event', 'cloudevent', 'typed']
const sourceFile = /\.([cm]?js|[cm]?ts|tsx|jsx)$/

/** The file that defines the function: the framework's choice, or else the only file. */
function sourceIn(code, given) {
  const at = resolve(code, given ?? '.')
  if (isFile(at)) return at
  const main = mainOf(at)
  const names = [...(main === undefined ? [] : [main, `${main}.js`, join(main, 'index.js')]), 'index.js', 'function.js']
  const found = names.map((name) => join(at, name)).find(isFile) ?? onlySource(at)
  if (found !== undefined) return found
  throw new FunctionNotFound(
    `Provided code location '${given ?? '.'}' is not a loadable module: no "main" of package.json, index.js or function.js. ` +
      'Did you specify the correct location for the module defining your function?',
  )
}

const isFile = (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true

function mainOf(folder) {
  const manifest = join(folder, 'package.json')
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).main : undefined
}

function onlySource(folder) {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => sourceFile.test(name)) : []
  return files.length === 1 ? join(folder, files[0]) : undefined
}

/** The framework's registry is not exported, but it is beside the framework's main file. */
function frameworkFor(code) {
  const require = createRequire(join(code, 'package.json'))
  const folder = dirname(fileIn(code, 'express5', '@google-cloud/functions-framework'))
  return {
    registry: require(join(folder, 'function_registry.js')),
    testing: require(join(folder, 'testing.js')),
    register: require('@google-cloud/functions-framework'),
  }
}

/** The server for the target: the function registered with that name, else the export. */
function serverFor(code, exported, target, kind = 'http') {
  if (!kinds.includes(kind)) {
    throw new FunctionNotFound(
      `The signature type "${kind}" is none of ${kinds.join(', ')}: see FUNCTION_SIGNATURE_TYPE.`,
    )
  }
  const framework = frameworkFor(code)
  if (framework.registry.getRegisteredFunction(target) !== undefined) return framework.testing.getTestServer(target)
  const name = 'exported-function'
  const { http, cloudEvent, typed = http } = framework.register
  const register = { http, event: http, cloudevent: cloudEvent, typed }[kind]
  register(name, exportOf(exported, target))
  // First-generation functions cannot be registered explicitly.
  if (kind === 'event') framework.registry.getRegisteredFunction(name).signatureType = 'event'
  return framework.testing.getTestServer(name)
}

function exportOf(exported, target) {
  const within = (root) => target.split('.').reduce((value, key) => value?.[key], root)
  const found = within(exported) ?? within(exported.default)
  if (typeof found === 'function') return found
  if (found !== undefined) throw new FunctionNotFound(`'${target}' needs to be of type function. Got: ${typeof found}`)
  const names = exportNames(exported)
  throw new FunctionNotFound(
    `Function '${target}' is not defined in the provided module, and not registered; it exports ${names.join(', ') || 'nothing'}. ` +
      'Did you specify the correct target function to execute?',
  )
}

module.exports = { serverFor, sourceIn }
