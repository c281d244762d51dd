/** The calls in flight, and the call to which the running code belongs. */

const { builtin } = require('./builtins.cjs')
const { cpuMs } = require('./usage.cjs')
const { AsyncLocalStorage } = builtin('node:async_hooks')

/** Bytes of a streamed response that a call may send before it waits for credit. */
const streamWindowBytes = 1024 * 1024

/** Calls by number. */
const inFlight = new Map()
/** The call to which the running code belongs. */
const currentCall = new AsyncLocalStorage()

class Call {
  over = false
  cancelled = false
  /** Bytes of a streamed response that may still be sent. */
  credit = streamWindowBytes
  /** Resumes a streamed response that waits for credit. */
  wake = undefined
  /** Source of a streamed response. */
  reader = undefined
  /** Indentation by console.group. */
  indent = ''
  /** Decoders for characters that are split across buffers. */
  decoders = undefined
  /** Whether a response has begun that a library writes. */
  hasHead = false
  /** Further members of the meta of the frame that ends the call. */
  meta = ''
  controller = new AbortController()

  constructor(number, startedAt) {
    this.number = number
    this.begin(startedAt)
  }

  /** Starts measuring the call's time. */
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
