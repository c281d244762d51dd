/**
 * The connections to a server that shares no disk with this worker: three, each beginning with a KNOCK. The second and third
 * become descriptors 1 and 2. Loaded only for such a server.
 */

const { builtin, exit, linkLost, shimFailed } = require('./builtins.cjs')
const { descriptorOf, makeBlocking, sayToDescriptor } = require('./node-internals.cjs')
const { closeSync, readFileSync, writeSync } = builtin('node:fs')
const { connect } = builtin('node:net')

/** Kept, so that nobody closes them. */
const descriptors = []

/** Calls `listen` with the connection for frames. `onread`: its reader. */
function connectTo(onread, listen) {
  const { TAIBAI_SERVER: server, TAIBAI_KEY: keyFile } = process.env
  delete process.env.TAIBAI_SERVER
  delete process.env.TAIBAI_KEY
  const at = server.lastIndexOf(':')
  const port = Number(server.slice(at + 1))
  const key = readFileSync(keyFile, 'utf8').trim()
  const socket = connect({ host: server.slice(0, at), port, noDelay: true, keepAlive: true, onread })
  socket.write(knock('frames', key))
  socket.once('connect', () => openDescriptors(socket.remoteAddress, port, key))
  listen(socket)
}

/** Each gets the lowest free number. Only output that bypasses the shim is written to them, and it blocks when necessary. */
function openDescriptors(host, port, key) {
  for (const name of ['stdout', 'stderr']) {
    const number = descriptors.length + 1
    closeSync(number)
    const socket = connect({ host, port })
    descriptors.push(socket)
    socket.pause().unref()
    socket.on('error', () => exit(linkLost))
    socket.once('connect', () => {
      if (descriptorOf(socket) !== number) giveUp(`descriptor ${number} could not be had`)
      makeBlocking(socket)
      writeSync(number, knock(name, key))
    })
  }
}

function giveUp(reason) {
  sayToDescriptor(`taibai shim: ${reason}`)
  exit(shimFailed)
}

/** A frame that identifies and authenticates this worker. */
function knock(stream, key) {
  const { encode, frameTypes } = require('./wire.cjs')
  return encode(frameTypes.KNOCK, 0, `{"stream":"${stream}"}`, Buffer.from(key))
}

module.exports = { connectTo }
