/** Handles uncaught exceptions and rejections, unless the function listens for them itself. */

const { fail } = require('./answer.cjs')
const { currentCall } = require('./calls.cjs')
const { lastWords } = require('./errors.cjs')
const { printTo } = require('./output.cjs')

/** `endWith(error)` fails the calls in flight and ends the worker. */
function listenForUncaught(endWith) {
  /** After an uncaught exception the state of the process is unknown. */
  process.on('uncaughtException', (error) => {
    if (process.listenerCount('uncaughtException') === 1) endWith(error)
  })
  process.on('unhandledRejection', (reason) => {
    if (process.listenerCount('unhandledRejection') === 1) onUnhandledRejection(reason, endWith)
  })
}

/**
 * An unhandled rejection leaves the process intact, so it only fails its call, or is printed when that call is over. One that
 * belongs to no call ends the worker, because nothing else would report it.
 */
function onUnhandledRejection(reason, endWith) {
  const call = currentCall.getStore()
  if (call === undefined) endWith(reason)
  else if (call.over) printTo('stderr', `Unhandled rejection of a call that was over: ${lastWords(reason)}\n`)
  else fail(call, reason)
}

module.exports = { listenForUncaught }
