/** The calls in flight, and which of them the running code belongs to. */

const { builtin } = require('./builtins.cjs')
const { cpuMs } = require('./usage.cjs')
const { AsyncLocalStorage } = builtin('node:async_hooks')

/** Bytes of a streamed answer that a call may send before it waits for credit. */
const streamWindowBytes = 1024 * 1024

/** By number. */
const inFlight = new Map()
/** The call that the running code belongs to. */
const currentCall = new AsyncLocalStorage()

class Call {
  over = false
  cancelled = false
  /** Bytes of a streamed answer that may still be sent. */
  credit = streamWindowBytes
  /** Goes on with a streamed answer that waits for credit. */
  wake = undefined
  /** Where a streamed answer is read from. */
  reader = undefined
  /** Indentation by console.group. */
  indent = ''
  /** Joins characters that were written in several buffers. */
  decoders = undefined
  controller = new AbortController()

  constructor(number, startedAt) {
    this.number = number
    this.begin(startedAt)
  }

  /** Its time counts from here. */
  begin(at) {
    this.startedAt = at
    this.cpuAtStart = cpuMs(at)
  }

  grant(bytes) {
    if (!(bytes > 0)) return
    this.credit += bytes
    this.wake?.()
  }

  cancel() {
    if (this.cancelled) return
    this.cancelled = true
    currentCall.run(this, () => {
      this.controller.abort()
      this.reader?.cancel().catch(() => {})
      this.wake?.()
    })
  }
}

function openCall(number, arrivedAt) {
  const call = new Call(number, arrivedAt)
  inFlight.set(number, call)
  return call
}

module.exports = { currentCall, inFlight, openCall }
