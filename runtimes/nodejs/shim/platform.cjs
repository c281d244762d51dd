/**
 * Packages that a platform supplies to functions: used where the package does not contain its own, and only by signatures that
 * ask for them.
 */

const { builtin } = require('./builtins.cjs')
const { existsSync } = builtin('node:fs')
const { createRequire, isBuiltin, registerHooks } = builtin('node:module')
const { join } = builtin('node:path')
const { pathToFileURL } = builtin('node:url')

const missing = new Set(['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'])

/** From here on `require` and `import` fall back to the packages of the set. */
function supply(set) {
  const folder = folderOf(set)
  registerHooks({
    resolve(specifier, context, nextResolve) {
      try {
        return nextResolve(specifier, context)
      } catch (error) {
        if (!missing.has(error?.code) || !isBare(specifier)) throw error
        const file = fileOf(folder, specifier)
        if (file === undefined) throw error
        return { url: pathToFileURL(file).href, format: 'commonjs', shortCircuit: true }
      }
    },
  })
}

/** A supplied package, regardless of the function's own. */
const suppliedBy = (set, name) => createRequire(`${__dirname}/`)(fileOf(folderOf(set), name))

/** The file that `require(name)` resolves to in the package: Node.js 22 calls no hook for `require.resolve`. */
function fileIn(code, set, name) {
  try {
    return createRequire(join(code, 'package.json')).resolve(name)
  } catch (error) {
    const file = fileOf(folderOf(set), name)
    if (file === undefined) throw error
    return file
  }
}

const folderOf = (set) => join(__dirname, '../platform', set)

const isBare = (specifier) => /^[@\w]/.test(specifier) && !specifier.includes(':') && !isBuiltin(specifier)

/** `express`, `@google-cloud/functions-framework/testing`. Undefined: it does not exist. */
function fileOf(folder, specifier) {
  const [, name, path = 'index'] = /^((?:@[^/]+\/)?[^/]+)(?:\/(.+?))?(?:\.js)?$/.exec(specifier) ?? []
  const file = join(folder, `${name}`, `${path}.js`)
  return existsSync(file) ? file : undefined
}

module.exports = { fileIn, suppliedBy, supply }
