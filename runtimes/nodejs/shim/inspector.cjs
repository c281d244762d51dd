/** `taibai dev --inspect`: a debugger attaches to the worker and sees the edited files. */

const { builtin } = require('./builtins.cjs')
const { createServer } = builtin('node:net')
const { setTimeout: pause } = builtin('node:timers/promises')

const host = '127.0.0.1'
/** The previous worker may hold the port for a moment. */
const tries = 100
const againMs = 50

async function listen(port) {
  for (let left = tries; left > 0; left--) {
    if (await isFree(port)) return builtin('node:inspector').open(port, host)
    await pause(againMs)
  }
  process.stderr.write(`No debugger can attach: port ${port} is taken.\n`)
}

/** Checked first, because Node.js prints a message for each failed attempt. */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })
}

module.exports = { listen }
