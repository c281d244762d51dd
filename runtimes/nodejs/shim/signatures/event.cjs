/**
 * `handler(event, context)`. A signature may define: `bind(callable, wish)`, which returns `invoke(input, context)`; its own
 * `inputOf(call, meta, buffer, from, to, owned)`, `contextOf(call, meta)` and `answer(call, value, fn)`; `prepare(wish)`, called
 * before the module is loaded, or `load(wish)`, which replaces loading one; `splitAt(entry, folderEnd)`, the end of the module in
 * an entry, and `extensions` in the order in which they are tried; `callableOf(exported, name)` and `isCallable(value)`;
 * `describeLoadError(error)`.
 */

const { isThenable, whenSettled } = require('../builtins.cjs')

function bind(handler) {
  if (handler.length <= 2) return { invoke: handler }
  return { invoke: (event, context) => invokeWithCallback(handler, event, context) }
}

/**
 * A Lambda callback: the handler's promise or its callback gives the result, whichever comes first; without a promise, the
 * callback.
 */
function invokeWithCallback(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, value) => (error === undefined || error === null ? resolve(value) : reject(error))
    const value = handler(event, context, callback)
    if (isThenable(value)) whenSettled(value, resolve, reject)
  })
}

module.exports = { bind }
