/**
 * What a function's first call would wait for, done while a generic worker waits for its function: Node.js makes much of what it
 * has when that is used for the first time. Nothing of it is seen by the function.
 */

const { now } = require('./builtins.cjs')
const { rehearse: rehearseCall } = require('./invoke.cjs')
const { rehearse: rehearseLoad } = require('./load.cjs')
const { memoryPeakBytes } = require('./usage.cjs')

function warmUp() {
  memoryPeakBytes(now())
  new AbortController().signal.addEventListener('abort', () => {}, { once: true })
  rehearseLoad('nothing.main').then(rehearseCall, () => {})
}

module.exports = { warmUp }
