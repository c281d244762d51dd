/** What platforms supply to the functions of their users: found where the package has nothing of that name, and by nobody else. */

const { builtin } = require('./builtins.cjs')
const { existsSync } = builtin('node:fs')
const { createRequire, isBuiltin, registerHooks } = builtin('node:module')
const { join } = builtin('node:path')
const { pathToFileURL } = builtin('node:url')

const missing = new Set(['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'])

/** From here on `require` and `import` find the packages of the set behind those of the function's own. */
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

/** One of its packages, whatever the function brings. */
const suppliedBy = (set, name) => createRequire(`${__dirname}/`)(fileOf(folderOf(set), name))

/** The file that `require(name)` means in the package: Node.js 22 asks no hook where only the file is asked for. */
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

/** `express`, `@google-cloud/functions-framework/testing`. Undefined: there is none. */
function fileOf(folder, specifier) {
  const [, name, path = 'index'] = /^((?:@[^/]+\/)?[^/]+)(?:\/(.+?))?(?:\.js)?$/.exec(specifier) ?? []
  const file = join(folder, `${name}`, `${path}.js`)
  return existsSync(file) ? file : undefined
}

module.exports = { fileIn, suppliedBy, supply }
