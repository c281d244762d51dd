/**
 * Adapts the heap to the function's memory. V8 fixes the heap limit when a process starts, before a generic worker knows its
 * function. It starts with the limit of the largest usual function (`runtime.json`), so the sandbox's limit is always reached
 * first. V8 would then not collect more often when memory gets short, so its flags are changed.
 */

const { builtin } = require('./builtins.cjs')

/** Share of the function's memory; a process that has used more collects garbage more often. */
const plenty = 0.6
/** Growth of the heap between two collections in that case: objects in use can take up to 80 % of the memory. */
const carefulGrowthPercent = 20

let carefulFromBytes = Infinity

function followMemory(memoryBytes) {
  if (memoryBytes > 0) carefulFromBytes = memoryBytes * plenty
}

/** Called from time to time with the process's peak memory. */
function noteMemoryPeak(bytes) {
  if (bytes < carefulFromBytes) return
  carefulFromBytes = Infinity
  // Deferred until now, because built-in modules loaded after a change of flags are compiled again.
  builtin('node:v8').setFlagsFromString(`--heap-growing-percent=${carefulGrowthPercent}`)
}

module.exports = { followMemory, noteMemoryPeak }
