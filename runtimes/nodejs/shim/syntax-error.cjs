/**
 * Finds the position of a syntax error, which Node hides for ES modules until the process ends. A load hook reports the file that
 * was read last, and a child process that only checks this file prints the position.
 */

const { builtin } = require('./builtins.cjs')

/** Adds the position to an error without one. */
async function addPlace(error, url, importModule, codeFolder) {
  if (hasPlace(error)) return
  await locate(error, url, importModule, codeFolder).catch(() => {})
}

/**
 * Whether the trace begins with a position, or has a frame outside of Node: then the error was thrown, for example by JSON.parse.
 */
function hasPlace({ stack }) {
  return /^(file:|\/)/.test(stack) || stack.split('\n').some((line) => /^\s+at (?!.*\bnode:)/.test(line))
}

async function locate(error, url, importModule, codeFolder) {
  const { registerHooks } = builtin('node:module')
  if (!registerHooks) return
  const { spawnSync } = builtin('node:child_process')
  const { relative } = builtin('node:path')
  const { fileURLToPath } = builtin('node:url')
  let last = url
  const hooks = registerHooks({
    load(url, context, next) {
      last = url
      return next(url, context)
    },
  })
  await importModule(`${url}?located`).catch(() => {})
  hooks.deregister()
  const file = fileURLToPath(last.replace(/[?#].*$/, ''))
  const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8', timeout: 5000 })
  const place = /^(?:file:\/\/)?[^\n]*:(\d+)\n/.exec(stderr ?? '')
  if (!place) return
  const { message } = error
  error.message = `${message} (${relative(codeFolder, file)}:${place[1]})`
  error.stack = `${stderr.slice(0, stderr.indexOf('SyntaxError'))}SyntaxError: ${message}`
}

module.exports = { addPlace }
