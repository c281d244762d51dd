/**
 * What a function's first call would wait for, done while a generic worker waits for its function: Node.js makes much of what it
 * has when that is used for the first time. Nothing of it is seen by the function.
 */

const { builtin, now } = require('./builtins.cjs')
const { memoryPeakBytes } = require('./usage.cjs')
const { join } = builtin('node:path')
const { pathToFileURL } = builtin('node:url')

function warmUp() {
  require('./signatures/event.cjs')
  memoryPeakBytes(now())
  new AbortController().signal.addEventListener('abort', () => {}, { once: true })
  // Node's loader of modules, from the path of a file to what it exports.
  importModule(pathToFileURL(join(__dirname, 'nothing.mjs')).href).catch(() => {})
}

module.exports = { warmUp }
