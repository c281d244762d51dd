/** `taibai dev --inspect`: a debugger attaches to the worker, and sees the files that are edited. */

const { builtin } = require('./builtins.cjs')
const { createServer } = builtin('node:net')
const { setTimeout: pause } = builtin('node:timers/promises')

const host = '127.0.0.1'
/** The worker before may hold the port for a moment. */
const tries = 100
const againMs = 50

async function listen(port) {
  for (let left = tries; left > 0; left--) {
    if (await isFree(port)) return builtin('node:inspector').open(port, host)
    await pause(againMs)
  }
  process.stderr.write(`No debugger can attach: port ${port} is taken.\n`)
}

/** Asked first, because Node.js prints each time that it could not have it. */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })
}

module.exports = { listen }
