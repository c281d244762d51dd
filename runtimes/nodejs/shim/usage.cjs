/** Resource usage of the process. */

const { builtin, cpuUsage, resourceUsage } = require('./builtins.cjs')
const { noteMemoryPeak } = require('./heap.cjs')

let cpuReadMs = 0
let cpuReadAt = -Infinity

/**
 * Processor time. The system call takes a good part of a small call, so its result is reused for 0.05 ms: for so short a time it
 * is a fair guess that the process has been running.
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

/** Also queried rarely: a peak stays true a millisecond later. */
function memoryPeakBytes(at) {
  if (at - peakReadAt > 1) {
    peakBytes = peakKib() * 1024
    peakReadAt = at
    noteMemoryPeak(peakBytes)
  }
  return peakBytes
}

/** An inherited peak in KiB; undefined: not determined yet. */
let inheritedKib

/**
 * The kernel's value survives exec(): a shim started by a large process begins with that process's size. Until our own exceeds
 * it, only a file that is slower to read has the correct value.
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
 * Time in which the main thread was ready to run but had no processor, since the last report; undefined: not reported now. A
 * kernel that does not support it is not asked again.
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
