/**
 * When nothing is left that the process could do, but to wait for the server: the connection counts for nothing while a call
 * waits, and Node says `beforeExit`. For one call at a time.
 */

const { keepAlive, letGo } = require('../wire.cjs')

/** The call that waits, and what to do for it. */
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
