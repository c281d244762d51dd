/** What nobody catches: a function that listens for it itself is left to it. */

const { fail } = require('./answer.cjs')
const { currentCall } = require('./calls.cjs')
const { lastWords } = require('./errors.cjs')
const { printTo } = require('./output.cjs')

/** `endWith(error)` fails what is in flight and ends the worker. */
function listenForUncaught(endWith) {
  /** After an exception that nobody caught the state of the process is unknown. */
  process.on('uncaughtException', (error) => {
    if (process.listenerCount('uncaughtException') === 1) endWith(error)
  })
  process.on('unhandledRejection', (reason) => {
    if (process.listenerCount('unhandledRejection') === 1) onUnhandledRejection(reason, endWith)
  })
}

/**
 * A rejection that nobody handled leaves the process as sound as an exception that was caught, so it fails the call that it
 * belongs to, and is printed when that is over. One that belongs to no call has nobody to tell, and ends the worker.
 */
function onUnhandledRejection(reason, endWith) {
  const call = currentCall.getStore()
  if (call === undefined) endWith(reason)
  else if (call.over) printTo('stderr', `Unhandled rejection of a call that was over: ${lastWords(reason)}\n`)
  else fail(call, reason)
}

module.exports = { listenForUncaught }
