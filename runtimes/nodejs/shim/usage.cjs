/** What the process has used so far. */

const { cpuUsage, resourceUsage } = require('./builtins.cjs')
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

let peakBytes = 0
let peakReadAt = -Infinity

/** Asked for rarely as well; a peak is no less true a millisecond later. */
function memoryPeakBytes(at) {
  if (at - peakReadAt > 1) {
    peakBytes = resourceUsage().maxRSS * 1024
    peakReadAt = at
    noteMemoryPeak(peakBytes)
  }
  return peakBytes
}

module.exports = { cpuMs, memoryPeakBytes }
