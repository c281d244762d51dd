/**
 * Detects that the process has nothing left to do but wait for the server: while a call waits, the connection does not keep the
 * process alive, and Node emits `beforeExit`. For one call at a time.
 */

const { keepAlive, letGo } = require('../wire.cjs')

/** The waiting call, and its callback. */
let waiting

process.on('beforeExit', () => {
  keepAlive()
  const { then } = waiting ?? {}
  waiting = undefined
  then?.()
})

function whenLoopIsEmpty(turn, then) {
  waiting = { then }
  letGo()
  turn.stopWaiting = stop
}

function stop() {
  waiting = undefined
  keepAlive()
}

module.exports = { whenLoopIsEmpty }
