/**
 * The way from the server to an image that runs on another machine: a worker of its own, on a network with the image. It keeps some
 * connections to the server ahead, each beginning with a KNOCK. When the server sends a byte over one, it leads on to the image:
 * one byte says whether the image took it, then everything passes as it is.
 */

const { builtin, exit, linkLost, shimFailed } = require('./builtins.cjs')
const { sayToDescriptor } = require('./node-internals.cjs')
const { keyOf, serverName } = require('./relay.cjs')
const { encode, frameTypes } = require('./wire.cjs')
const { connect } = builtin('node:net')
const { connect: connectSecurely } = builtin('node:tls')

/** Connections that wait for the server. */
const ahead = 4
const imageMs = 2000
const [refused, taken] = [Buffer.of(0), Buffer.of(1)]

/** `to`: host and port of the image. */
function bridge(to) {
  const { TAIBAI_SERVER: server, TAIBAI_KEY: file } = process.env
  process.on('SIGTERM', () => exit(0))
  const way = { ...keyOf(file), server: placeOf(server), image: placeOf(to) }
  for (let n = 0; n < ahead; n++) offer(way)
}

function placeOf(address) {
  const at = address.lastIndexOf(':')
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) }
}

function offer(way) {
  const socket = dial(way)
  let isUsed = false
  socket.on('error', (error) => isUsed || giveUp(error))
  socket.on('close', () => isUsed || exit(linkLost))
  socket.once('data', (first) => {
    isUsed = true
    socket.pause()
    offer(way)
    leadOn(socket, way.image, first.subarray(1))
  })
}

function dial({ server, key, certificate }) {
  const tls = { ca: certificate, servername: serverName, minVersion: 'TLSv1.3' }
  const socket = certificate === undefined ? connect(server) : connectSecurely({ ...server, ...tls })
  socket.setNoDelay(true).setKeepAlive(true)
  socket.write(encode(frameTypes.KNOCK, 0, '{"stream":"bridge"}', Buffer.from(key)))
  return socket
}

function leadOn(socket, place, begun) {
  const image = connect({ ...place, timeout: imageMs, noDelay: true })
  let isTaken = false
  image.once('connect', () => {
    isTaken = true
    image.setTimeout(0)
    socket.write(taken)
    if (begun.length > 0) image.write(begun)
    socket.pipe(image).pipe(socket)
  })
  image.once('timeout', () => image.destroy())
  image.on('error', () => {})
  image.once('close', () => (isTaken ? socket.destroySoon() : socket.end(refused)))
  socket.once('close', () => image.destroy())
}

function giveUp(error) {
  sayToDescriptor(`taibai shim: the server cannot be reached: ${error.message}`)
  exit(shimFailed)
}

module.exports = { bridge }
