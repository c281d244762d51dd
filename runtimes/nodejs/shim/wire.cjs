/** The connection to the server: receives and sends frames. */

const { builtin, exit, linkLost, mebibyte, nextTick, now, shimFailed } = require('./builtins.cjs')
const { descriptorOf, sayToDescriptor } = require('./node-internals.cjs')
const { writeSync } = builtin('node:fs')
const { connect: connectTo, Socket } = builtin('node:net')
const { dirname } = builtin('node:path')

/** Server to worker, then worker to server. */
const frameTypes = {
  BIND: 1,
  CALL: 2,
  CANCEL: 3,
  CREDIT: 4,
  SESSION: 5,
  CODE: 6,
  HELLO: 16,
  BOUND: 17,
  BIND_FAILED: 18,
  RESULT: 19,
  FAILED: 20,
  LOG: 21,
  HEAD: 22,
  CHUNK: 23,
  END: 24,
  KNOCK: 25,
}

const maxFrameBytes = 16 * mebibyte
const lengthBytes = 4
const headBytes = 13

let socket
let folder
/** Called with each complete frame. */
let takeFrame

/** `take` is called with each complete frame: `(type, number, meta, buffer, from, to, owned, arrivedAt)`. */
function onFrame(take) {
  takeFrame = take
}

function connect() {
  if (process.env.TAIBAI_RELAYED) return connectToRelay()
  if (process.env.TAIBAI_SERVER) return require('./tcp.cjs').connectTo(onread(), listenTo)
  const path = process.env.TAIBAI_SOCKET
  delete process.env.TAIBAI_SOCKET
  folder = dirname(path ?? '')
  if (!path) throw new Error('TAIBAI_SOCKET does not say where the server listens')
  listenTo(connectTo({ path, onread: onread() }))
}

/** The descriptors 1 and 2 lead there already. */
function connectToRelay() {
  const fd = Number(process.env.TAIBAI_RELAYED)
  delete process.env.TAIBAI_RELAYED
  listenTo(new Socket({ fd, onread: onread() }))
}

/** Goes on with a connection that another process has begun, and has read `handed` from. */
function takeOver({ fd, handed }) {
  receive(handed.length, handed)
  listenTo(new Socket({ fd, onread: onread() }))
}

/** With `onread`, Node reads into one buffer and avoids the stream machinery: a frame is decoded in place. */
function onread() {
  return { buffer: Buffer.allocUnsafeSlow(65536), callback: receive }
}

function listenTo(connection) {
  socket = connection
  socket.on('close', () => exit(linkLost))
  // After the connect, an error only means that the link is lost, which `close` reports as well.
  socket.on('error', (error) => isOurs(error) && giveUp(error.message))
}

/** Nobody listens, or the function has closed the descriptor. */
function isOurs({ syscall, code }) {
  return syscall === 'connect' || code === 'EBADF'
}

/** The worker's folder; undefined over TCP, and in a process that has taken over. */
function serverFolder() {
  return folder
}

/** Stops reading. `then(socket, unread)` is called when everything read has been processed, except for an incomplete frame. */
function handOver(then) {
  socket.pause()
  setImmediate(() => then(socket, partial === undefined ? Buffer.alloc(0) : partial.subarray(0, partialBytes)))
}

/** The server cannot be reached any more, so the reason goes to the container's own log. */
function giveUp(reason) {
  sayToDescriptor(`taibai shim: ${reason}`)
  exit(shimFailed)
}

/** The connection alone no longer keeps the process alive. */
function letGo() {
  socket.unref()
}

function keepAlive() {
  socket.ref()
}

/** Sends the rest and closes; `then` is called when that is done. */
function close(then) {
  flush()
  socket.end(then)
}

// ------------------------------------------------------------------------------------------------------ in

function receive(byteCount, buffer) {
  const arrivedAt = now()
  try {
    decode(buffer, byteCount, arrivedAt)
  } catch (error) {
    giveUp(error.message)
  }
  return true
}

/** An incomplete frame, or the beginning of its length; and the number of its bytes. */
let partial
let partialBytes = 0

/** Processes all complete frames; the rest is kept for the next time. */
function decode(buffer, byteCount, arrivedAt) {
  let at = 0
  while (partial !== undefined && at < byteCount) at += completePartial(buffer, at, byteCount, arrivedAt)
  while (byteCount - at >= lengthBytes) {
    const total = lengthBytes + frameLength(buffer, at)
    if (byteCount - at < total) break
    decodeFrame(buffer, at, total, false, arrivedAt)
    at += total
  }
  if (at < byteCount) keepPartial(buffer, at, byteCount)
}

/** The body is in `buffer`, which is overwritten afterwards unless it is `owned`. */
function decodeFrame(buffer, at, total, owned, arrivedAt) {
  const metaBytes = buffer.readUInt32BE(at + 9)
  if (metaBytes > total - headBytes) throw new Error('the meta of a frame is longer than the frame')
  const body = at + headBytes + metaBytes
  const meta = metaBytes === 0 ? '' : buffer.toString('utf8', at + headBytes, body)
  takeFrame(buffer[at + 4], buffer.readUInt32BE(at + 5), meta, buffer, body, at + total, owned, arrivedAt)
}

function frameLength(buffer, at) {
  const length = buffer.readUInt32BE(at)
  if (length < headBytes - lengthBytes) throw new Error(`a frame of ${length} bytes is too short`)
  if (length > maxFrameBytes) throw new Error(`a frame of ${length} bytes is longer than ${maxFrameBytes}`)
  return length
}

function keepPartial(buffer, from, to) {
  const isLengthThere = to - from >= lengthBytes
  partial = Buffer.allocUnsafeSlow(isLengthThere ? lengthBytes + frameLength(buffer, from) : lengthBytes)
  partialBytes = buffer.copy(partial, 0, from, to)
}

/** Adds to the incomplete frame and processes it when it is complete. Returns the number of bytes used. */
function completePartial(buffer, at, byteCount, arrivedAt) {
  const used = buffer.copy(partial, partialBytes, at, byteCount)
  partialBytes += used
  if (partialBytes < partial.length) return used
  if (partial.length === lengthBytes) {
    const start = partial
    partial = Buffer.allocUnsafeSlow(lengthBytes + frameLength(start, 0))
    start.copy(partial)
    return used
  }
  const whole = partial
  partial = undefined
  decodeFrame(whole, 0, whole.length, true, arrivedAt)
  return used
}

// ----------------------------------------------------------------------------------------------------- out

const outBytes = 65536
/** Frames of this turn of the event loop, sent in one system call. */
let out = Buffer.allocUnsafeSlow(outBytes)
let outLength = 0
let isFlushAsked = false

/** Converts printed text to frames before any other frame is sent; set by `output`. */
let sendPrinted = () => {}

function onSend(send) {
  sendPrinted = send
}

/** `body` is a string or bytes. Earlier output is sent first. */
function send(type, number, meta, body = '') {
  sendPrinted()
  sendFrame(type, number, meta, body)
  flushSoon()
}

/** A frame as bytes. */
function encode(type, number, meta, body) {
  const head = Buffer.alloc(headBytes)
  const metaBytes = Buffer.from(meta)
  writeHead(head, 0, headBytes - lengthBytes + metaBytes.length + body.length, type, number, metaBytes.length)
  return Buffer.concat([head, metaBytes, body])
}

/** Sent with the next flush. */
function sendFrame(type, number, meta, body) {
  // A UTF-16 unit takes at most three bytes of UTF-8.
  const room = headBytes + meta.length * 3 + (typeof body === 'string' ? body.length * 3 : body.length)
  if (room > outBytes - outLength) {
    writeOut()
    if (room > outBytes) return sendLargeFrame(type, number, meta, body)
  }
  const metaAt = outLength + headBytes
  const bodyAt = metaAt + out.write(meta, metaAt)
  const end = bodyAt + (typeof body === 'string' ? out.write(body, bodyAt) : copyInto(out, bodyAt, body))
  writeHead(out, outLength, end - outLength - lengthBytes, type, number, bodyAt - metaAt)
  outLength = end
}

function copyInto(buffer, at, bytes) {
  buffer.set(bytes, at)
  return bytes.length
}

function writeHead(buffer, at, length, type, number, metaBytes) {
  buffer.writeUInt32BE(length, at)
  buffer[at + 4] = type
  buffer.writeUInt32BE(number, at + 5)
  buffer.writeUInt32BE(metaBytes, at + 9)
}

function sendLargeFrame(type, number, meta, body) {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const metaBytes = Buffer.byteLength(meta)
  const head = Buffer.allocUnsafe(headBytes + metaBytes)
  head.write(meta, headBytes)
  writeHead(head, 0, head.length + bytes.length - lengthBytes, type, number, metaBytes)
  socket.cork()
  socket.write(head)
  socket.write(bytes)
  socket.uncork()
}

/** A tick runs after already settled promises have been handled, so that all their frames are sent together. */
function flushSoon() {
  if (isFlushAsked) return
  isFlushAsked = true
  nextTick(flushNow)
}

function flushNow() {
  isFlushAsked = false
  flush()
}

function flush() {
  sendPrinted()
  writeOut()
}

/** The system usually accepts everything at once. The rest stays in the socket, which keeps the buffer. */
function writeOut() {
  if (outLength === 0) return
  const written = writeNow(out, outLength)
  if (written < outLength) {
    socket.write(out.subarray(written, outLength))
    out = Buffer.allocUnsafeSlow(outBytes)
  }
  outLength = 0
}

/**
 * Whether a write blocks until the server has read: for prints, so that endless output does not fill the memory, and for the last
 * messages of a process. Node writes to pipes in the same way.
 */
let mayWait = false

function waitToWrite(wanted) {
  mayWait = wanted
}

const clock = new Int32Array(new SharedArrayBuffer(4))

/** Bypasses the socket's own queue while that is empty. Returns the number of written bytes. */
function writeNow(bytes, length) {
  const fd = descriptorOf(socket)
  let at = 0
  while (at < length && fd >= 0 && socket.writableLength === 0 && !socket.connecting) {
    try {
      at += writeSync(fd, bytes, at, length - at)
    } catch (error) {
      // Any other error means that the connection is gone, which the socket will report.
      if (error.code !== 'EAGAIN') return length
      if (!mayWait) return at
      Atomics.wait(clock, 0, 0, 0.05)
    }
  }
  return at
}

module.exports = {
  close,
  connect,
  encode,
  flush,
  flushSoon,
  frameTypes,
  handOver,
  keepAlive,
  letGo,
  maxFrameBytes,
  onFrame,
  onSend,
  send,
  sendFrame,
  serverFolder,
  takeOver,
  waitToWrite,
}
