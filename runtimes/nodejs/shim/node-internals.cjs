/**
 * Undocumented features of Node.js that the shim uses: the purpose of each, and the test in `test/runtimes/nodejs.test.ts` that
 * shows whether it still works or can be removed.
 */

/**
 * The number of a socket's descriptor. Data written to it is sent before the printing code continues, so a line is visible even
 * if the function never yields. Without the number, data goes through the socket's own queue. Test: *many lines before an endless
 * loop are seen but for the last millisecond*.
 */
function descriptorOf(socket) {
  return socket._handle?.fd ?? -1
}

/**
 * Makes writes to a socket's descriptor block until there is room, as with a pipe: other processes have it as their standard
 * output, and many programs treat "try again" as an error. Test: the conformance list over TCP, *a child that floods*.
 */
function makeBlocking(socket) {
  const problem = socket._handle.setBlocking(true)
  if (problem) throw new Error(`a descriptor cannot be made to wait: ${problem}`)
}

/**
 * Writes to descriptor 2 synchronously, because `console` and `process.stderr` belong to the function. `fs.writeSync` throws when
 * the pipe is full. Test: *bytes that are no frames at all make the worker exit, not hang*.
 */
function sayToDescriptor(text) {
  process._rawDebug(text)
}

/** Marks streams that `pipe` and `pipeline` must not close when their source ends. Test: *a pipe*, below *output*. */
const standardStreamMark = { _isStdio: true }

/** Frames of Node's loader in a trace. Test: *a class of the function gives its name, and the paths are those of the package*. */
function isFrameOfNode(line) {
  return line.includes('node:internal/')
}

/**
 * The warning about a `.js` file without a package.json, which is not the function's fault. Test: *a .js file with an ES module
 * in it*.
 */
function isNoise({ code }) {
  return code === 'MODULE_TYPELESS_PACKAGE_JSON'
}

module.exports = { descriptorOf, isFrameOfNode, isNoise, makeBlocking, sayToDescriptor, standardStreamMark }
