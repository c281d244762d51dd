/**
 * `handler(event, context)`. What a signature may say, each with a default: `invoker(callable)`, which makes
 * `invoke(input, context)`; `inputOf(call, meta, buffer, from, to, owned)`; `answer(call, value, fn)`; `splitAt(entry,
 * folderEnd)`, where an entry's module ends; and `callableOf(exported, name)`.
 */

const { isThenable, whenSettled } = require('../builtins.cjs')

function invoker(handler) {
  return handler.length > 2 ? (event, context) => invokeWithCallback(handler, event, context) : handler
}

/** A Lambda callback: the handler's promise or its callback answers, whichever is first; without a promise, the callback. */
function invokeWithCallback(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, value) => (error === undefined || error === null ? resolve(value) : reject(error))
    const value = handler(event, context, callback)
    if (isThenable(value)) whenSettled(value, resolve, reject)
  })
}

module.exports = { invoker }
