/**
 * What the shim uses of Node.js beyond its documentation: what each is good for, and which test of
 * `test/runtimes/nodejs.test.ts` tells whether it still works, or can go.
 */

/**
 * The number of a socket's descriptor. What is written to it has left before the code that printed it goes on: a line is seen
 * although the function never yields. Without a number, everything goes through the socket's own queue. Test: *many lines before
 * an endless loop are seen but for the last millisecond*.
 */
function descriptorOf(socket) {
  return socket._handle?.fd ?? -1
}

/**
 * Whoever writes to the descriptor of a socket waits until there is room, as with a pipe: other processes have it as their standard
 * output, and many programs take "try again" for an error. Test: the conformance list over TCP, *a child that floods*.
 */
function makeBlocking(socket) {
  const problem = socket._handle.setBlocking(true)
  if (problem) throw new Error(`a descriptor cannot be made to wait: ${problem}`)
}

/**
 * Writes to descriptor 2, synchronously, though `console` and `process.stderr` are the function's. `fs.writeSync` throws where the
 * pipe is full. Test: *bytes that are no frames at all make the worker exit, not hang*.
 */
function sayToDescriptor(text) {
  process._rawDebug(text)
}

/** Streams that `pipe` and `pipeline` leave open when what they read ends. Test: *a pipe*, below *output*. */
const standardStreamMark = { _isStdio: true }

/** Frames of Node's own loader in a trace. Test: *a class of the function gives its name, and the paths are those of the package*. */
function isFrameOfNode(line) {
  return line.includes('node:internal/')
}

/** The warning about a `.js` file without a package.json, which is no fault of a function. Test: *a .js file with an ES module in it*. */
function isNoise({ code }) {
  return code === 'MODULE_TYPELESS_PACKAGE_JSON'
}

module.exports = { descriptorOf, isFrameOfNode, isNoise, makeBlocking, sayToDescriptor, standardStreamMark }
