/** References to the built-in functions that calls need: the function shares this process and may replace globals. */

// `require('node:…')` and `import` wrap a built-in module in an ES module, which takes a third of the start.
const builtin = process.getBuiltinModule
const { parse: parseJson, stringify: toJson } = JSON
const { max, min, round } = Math
const dateNow = Date.now
const { cpuUsage, nextTick, resourceUsage, uptime } = process
const exit = process.exit.bind(process)
const promiseThen = uncurryThis(Promise.prototype.then)
const { types } = builtin('node:util')

const mebibyte = 1024 * 1024

/** Exit codes: the connection to the server was lost; the shim cannot go on. */
const linkLost = 113
const shimFailed = 70

/** Milliseconds since the start. `performance.now()` is not used, because accessing `performance` loads nine modules of Node. */
function now() {
  return uptime() * 1000
}

function uncurryThis(method) {
  return (self, ...args) => Reflect.apply(method, self, args)
}

function isThenable(value) {
  if (typeof value !== 'object' || value === null) return false
  return types.isPromise(value) || typeof value.then === 'function'
}

/** A native promise is awaited directly; any other thenable is not trusted to call back exactly once. */
function whenSettled(thenable, onValue, onError) {
  promiseThen(types.isPromise(thenable) ? thenable : Promise.resolve(thenable), onValue, onError)
}

/** Rounded to microseconds. */
function milliseconds(value) {
  return round(value * 1000) / 1000
}

module.exports = {
  builtin,
  cpuUsage,
  dateNow,
  exit,
  isThenable,
  linkLost,
  max,
  mebibyte,
  milliseconds,
  min,
  nextTick,
  now,
  parseJson,
  resourceUsage,
  shimFailed,
  toJson,
  types,
  whenSettled,
}
