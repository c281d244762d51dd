/** What the process has used so far. */

const { builtin, cpuUsage, resourceUsage } = require('./builtins.cjs')
const { noteMemoryPeak } = require('./heap.cjs')

let cpuReadMs = 0
let cpuReadAt = -Infinity

/**
 * Processor time. Asking the system costs a good part of a small call, so an answer serves for 0.05 ms: for so short a time it is
 * a fair guess that the process has been running ever since.
 */
function cpuMs(at) {
  if (at - cpuReadAt > 0.05) {
    const { user, system } = cpuUsage()
    cpuReadMs = (user + system) / 1000
    cpuReadAt = at
  }
  return cpuReadMs + (at - cpuReadAt)
}

const { readFileSync } = builtin('node:fs')

let peakBytes = 0
let peakReadAt = -Infinity

/** Asked for rarely as well; a peak is no less true a millisecond later. */
function memoryPeakBytes(at) {
  if (at - peakReadAt > 1) {
    peakBytes = peakKib() * 1024
    peakReadAt = at
    noteMemoryPeak(peakBytes)
  }
  return peakBytes
}

/** A peak that is not this process's own, in KiB; undefined: not looked for yet. */
let inheritedKib

/**
 * The system's number outlives exec(): a shim that a large process started begins with the size of that one. Until it is larger, only
 * a file that is slower to read knows better.
 */
function peakKib() {
  const { maxRSS } = resourceUsage()
  inheritedKib ??= maxRSS > 1.5 * highWaterKib(maxRSS) ? maxRSS : 0
  return maxRSS > inheritedKib ? maxRSS : highWaterKib(maxRSS)
}

function highWaterKib(otherwise) {
  try {
    return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))[1])
  } catch {
    return otherwise
  }
}

const stalledEveryMs = 50
let stalledReadAt = -Infinity
/** Undefined: not read yet. */
let stalledReadMs

/**
 * What the main thread was ready to run and had no processor, since it was told last; undefined: not told now. A kernel that does not say
 * it is not asked again.
 */
function stalledMs(at) {
  if (at - stalledReadAt < stalledEveryMs) return undefined
  stalledReadAt = at
  const before = stalledReadMs
  try {
    stalledReadMs = Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e6
  } catch {
    stalledReadAt = Infinity
  }
  const stalled = stalledReadMs - before
  return stalled >= 0 ? stalled : undefined
}

module.exports = { cpuMs, memoryPeakBytes, stalledMs }
