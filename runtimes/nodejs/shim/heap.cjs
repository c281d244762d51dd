/**
 * The heap follows the memory of the function. V8 fixes the heap's limit when a process starts, and a generic worker does not
 * know its function then: it starts with the limit of the largest usual function (`runtime.json`), so that the sandbox's limit is
 * always met first. What is missing is that V8 collects more often when memory gets short; so it is told.
 */

const { builtin } = require('./builtins.cjs')

/** Share of the function's memory; a process that has used more collects garbage more often. */
const plenty = 0.6
/** Growth of the heap between two collections then: up to 80 % of the memory can be held by objects in use. */
const carefulGrowthPercent = 20

let carefulFromBytes = Infinity

function followMemory(memoryBytes) {
  if (memoryBytes > 0) carefulFromBytes = memoryBytes * plenty
}

/** Called with the peak of the process from time to time. */
function noteMemoryPeak(bytes) {
  if (bytes < carefulFromBytes) return
  carefulFromBytes = Infinity
  // Not before: built-in modules that are loaded after a change of flags are compiled anew.
  builtin('node:v8').setFlagsFromString(`--heap-growing-percent=${carefulGrowthPercent}`)
}

module.exports = { followMemory, noteMemoryPeak }
