/** Finds the function of an action: in a script, whose `main` need not be exported, or in a package. */

const { builtin } = require('../builtins.cjs')
const { Refusal } = require('../errors.cjs')
const { existsSync, readdirSync, readFileSync, statSync } = builtin('node:fs')
const { createRequire } = builtin('node:module')
const { dirname, join, relative } = builtin('node:path')
const { pathToFileURL } = builtin('node:url')
const { compileFunction, constants } = builtin('node:vm')

class EntryNotFound extends Refusal {}

const extensions = ['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts']
const usualModule = 'main'

/** `entry`: the function's name, or `module.function`. Throws EntryNotFound with OpenWhisk's message. */
async function findAction(folder, entry) {
  const { file, name } = locate(folder, entry)
  const run = isScript(folder, file) ? compiledScript(file, name) : undefined
  const found = run === undefined ? exportOf(await importFile(folder, file), name) : run()
  if (typeof found === 'function') return found
  throw new EntryNotFound(
    `Action entrypoint '${name}' is not a function, or not to be found in ${relative(folder, file)}.`,
  )
}

function locate(folder, entry) {
  const dot = entry.indexOf('.', entry.lastIndexOf('/') + 1)
  const [module, name] = dot === -1 ? [null, entry] : [entry.slice(0, dot), entry.slice(dot + 1)]
  const file = (module !== null && moduleFile(folder, module)) || rootFile(folder, module)
  return { file, name }
}

const isFile = (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true

function moduleFile(folder, module) {
  const base = join(folder, module)
  if (relative(folder, base).startsWith('..')) return undefined
  const paths = ['', ...extensions, ...extensions.map((extension) => `/index${extension}`)].map((end) => base + end)
  return paths.find(isFile)
}

/** The `main` of `package.json`, else `index`, else the only file. */
function rootFile(folder, module) {
  if (module !== null && module !== usualModule) {
    throw new EntryNotFound(`There is no module "${module}" in the action; its root has ${namesIn(folder)}.`)
  }
  const main = manifestOf(folder).main
  const named = typeof main === 'string' ? moduleFile(folder, main) : undefined
  const file = named ?? moduleFile(folder, 'index') ?? onlyFile(folder)
  if (file !== undefined) return file
  throw new EntryNotFound(
    `Zipped actions must contain either package.json (with "main") or index.js at the root; there are ${namesIn(folder)}.`,
  )
}

function manifestOf(folder) {
  const path = join(folder, 'package.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
}

function onlyFile(folder) {
  const names = readdirSync(folder).filter((name) => extensions.some((extension) => name.endsWith(extension)))
  return names.length === 1 ? join(folder, names[0]) : undefined
}

const namesIn = (folder) => readdirSync(folder).sort().slice(0, 30).join(', ') || 'no files'

/** A folder with a `package.json` is loaded as a module of the declared type. */
const isScript = (folder, file) => file.endsWith('.js') && !existsSync(join(folder, 'package.json'))

/** Evaluates an action as OpenWhisk does: as the body of a function. Undefined: it is an ES module, or not JavaScript. */
function compiledScript(file, name) {
  const module = { exports: {} }
  const isName = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)
  const end = isName ? `\n;return typeof ${name} === 'undefined' ? undefined : ${name}` : ''
  try {
    const options = { filename: file, importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER }
    const run = compileFunction(readFileSync(file, 'utf8') + end, scriptNames, options)
    return () => {
      const said = run.call(module.exports, module.exports, createRequire(file), module, file, dirname(file))
      return said ?? exportOf(module.exports, name)
    }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const scriptNames = ['exports', 'require', 'module', '__filename', '__dirname']

async function importFile(folder, file) {
  if (/\.[cm]?ts$/.test(file)) require('../typescript.cjs').compileModules(folder)
  try {
    return await importModule(pathToFileURL(file).href)
  } catch (error) {
    throw withAdvice(error, folder)
  }
}

function withAdvice(error, folder) {
  const isMissing = error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND'
  if (!isMissing || existsSync(join(folder, 'node_modules')) || manifestOf(folder).dependencies === undefined)
    return error
  error.message += '\nnpm install is not run when an action starts here: put node_modules into the ZIP.'
  return error
}

/** A path of properties: `handlers.create`. */
function exportOf(exported, name) {
  const within = (root) => name.split('.').reduce((value, key) => value?.[key], root)
  return within(exported) ?? within(exported?.default)
}

module.exports = { findAction }
