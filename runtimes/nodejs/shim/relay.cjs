/**
 * The first process of a worker whose link is encrypted. The shim proper is its child and has plain descriptors: 1, 2, and 3 for
 * frames. This one carries them to the server, each over a TLS connection of its own. It outlives the child: what the child
 * wrote before it died, by whatever way, still arrives. Every worker over TCP asks it for its key; one that is not encrypted needs
 * no more of it.
 */

const { builtin, exit, linkLost, shimFailed } = require('./builtins.cjs')
const { sayToDescriptor } = require('./node-internals.cjs')
const { readFileSync } = builtin('node:fs')
const { constants } = builtin('node:os')

/** By descriptor of the child, after the first. */
const streams = ['stdout', 'stderr', 'frames']
/** In the certificate; the server itself is reached at an address. */
const serverName = 'taibai'
/** How long the server may take to read the last words. */
const farewellMs = 5000

/** The worker's name with its secret, and the certificate that the server has to show; undefined: the link is not encrypted. */
function keyOf(file) {
  const text = readFileSync(file, 'utf8')
  const at = text.indexOf('\n-----BEGIN')
  return { key: (at < 0 ? text : text.slice(0, at)).trim(), certificate: at < 0 ? undefined : text.slice(at + 1) }
}

/** Starts the shim, and never returns to it. */
function relay({ key, certificate }) {
  const { spawn } = builtin('node:child_process')
  const { TAIBAI_SERVER: server, TAIBAI_KEY: _, ...env } = process.env
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...env, TAIBAI_RELAYED: '3' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  child.once('error', (error) => giveUp(`the shim could not be started: ${error.message}`))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGINT', () => {})
  const at = server.lastIndexOf(':')
  const place = { host: server.slice(0, at), port: Number(server.slice(at + 1)) }
  const ways = streams.map((name, index) => {
    const there = dial({ ...place, ca: certificate }, name, key)
    return { here: child.stdio[index + 1].on('error', () => {}), there }
  })
  const [stdout, stderr, frames] = ways
  const printed = [stdout, stderr]
  for (const way of printed) carry(way, sendOn)
  carry(frames, (way, bytes) => {
    const logs = logsAtStart(bytes)
    if (logs > 0) way.there.write(bytes.subarray(0, logs))
    // What was printed past the shim goes before the frame that may end its call.
    afterPrints(printed, () => sendOn(way, bytes.subarray(logs)))
  })
  frames.there.pipe(frames.here)
  child.once('exit', (code, signal) => {
    const result = code ?? 128 + constants.signals[signal]
    setTimeout(() => exit(result), farewellMs)
    sayFarewell(ways, result)
  })
}

function dial(to, stream, key) {
  const { connect } = builtin('node:tls')
  const { encode, frameTypes } = require('./wire.cjs')
  const options = { servername: serverName, minVersion: 'TLSv1.3', rejectUnauthorized: true }
  const socket = connect({ ...to, ...options })
  socket.setNoDelay(true).setKeepAlive(true)
  let isThere = false
  socket.once('secureConnect', () => (isThere = true))
  socket.on('error', (error) => (isThere ? exit(linkLost) : giveUp(`the server cannot be reached: ${error.message}`)))
  socket.on('close', () => isFarewell || exit(linkLost))
  socket.write(encode(frameTypes.KNOCK, 0, `{"stream":"${stream}"}`, Buffer.from(key)))
  // The two other connections receive only what TLS needs.
  if (stream !== 'frames') socket.resume()
  return socket
}

let isFarewell = false
/** Pieces that came from the child, and those of them that are on their way to the server. */
let came = 0
let underWay = 0

/** One piece at a time: the rest stays in the kernel, which stops who writes too much. */
function carry(way, send) {
  way.here.on('data', (bytes) => {
    came++
    underWay++
    way.here.pause()
    send(way, bytes)
  })
}

function sendOn({ here, there }, bytes) {
  const go = () => {
    underWay--
    here.resume()
  }
  if (there.write(bytes)) go()
  else there.once('drain', go)
}

/** Bytes of the LOG frames that a piece begins with, as it does unless it is of the middle of a long one. */
function logsAtStart(piece) {
  const { frameTypes } = require('./wire.cjs')
  let at = 0
  while (piece.length - at > 4 && piece[at + 4] === frameTypes.LOG) {
    const length = 4 + piece.readUInt32BE(at)
    if (at + length > piece.length) break
    at += length
  }
  return at
}

/** Number of turns in which output of a child that prints without end is sent first. */
const mostTurns = 16

/** Two turns: the one under way may have polled before what was printed last. */
function afterPrints(printed, then, turn = 1) {
  setImmediate(() =>
    setImmediate(() => {
      const waiting = printed.find(({ there }) => there.writableNeedDrain)
      if (waiting === undefined || turn === mostTurns) then()
      else waiting.there.once('drain', () => afterPrints(printed, then, turn + 1))
    }),
  )
}

/** Others may hold the descriptors still: their end is not waited for, but that nothing comes any more. */
function sayFarewell(ways, code) {
  const seen = came
  setImmediate(() =>
    setImmediate(() => {
      if (came !== seen || underWay > 0) return sayFarewell(ways, code)
      isFarewell = true
      let open = ways.length
      for (const { there } of ways) there.once('close', () => --open === 0 && exit(code)).end()
    }),
  )
}

function giveUp(reason) {
  sayToDescriptor(`taibai shim: ${reason}`)
  exit(shimFailed)
}

module.exports = { keyOf, relay, serverName }
