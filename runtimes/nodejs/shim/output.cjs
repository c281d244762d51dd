/** Converts the function's output to LOG frames, tagged with the call that printed it. */

const { builtin, nextTick, now } = require('./builtins.cjs')
const { currentCall } = require('./calls.cjs')
const { isNoise, standardStreamMark } = require('./node-internals.cjs')
const { flush, flushSoon, frameTypes, onSend, sendFrame, serverFolder, waitToWrite } = require('./wire.cjs')
const { closeSync, constants, openSync } = builtin('node:fs')
const { join } = builtin('node:path')
const { format } = builtin('node:util')
const { LOG } = frameTypes

/** Meta of a LOG frame. */
const STDOUT = ''
const STDERR = '{"stream":"stderr"}'

/** The pseudo call of code that runs outside of every call. */
const outside = { number: 0, over: false, indent: '', decoders: undefined }

/** Text for the next LOG frame; prints of one call to one stream share a frame. */
let logText = ''
let logNumber = 0
let logStream = STDOUT

/** Number of immediate writes in the millisecond that began at `windowStart`. */
let windowStart = 0
let windowWrites = 0

/** Number of UTF-16 units that always fit the buffer of a turn. */
const maxLogLength = 16384
const maxWritesPerWindow = 16

/** For `context.log`; console.* is the same with other names. */
const log = {
  debug: (...values) => printLine(STDOUT, values),
  info: (...values) => printLine(STDOUT, values),
  warn: (...values) => printLine(STDERR, values),
  error: (...values) => printLine(STDERR, values),
}

function captureOutput() {
  // A process that has taken over the connection has inherited the pipes.
  if (serverFolder() !== undefined) openPipes()
  onSend(sendLog)
  process.on('exit', () => {
    waitToWrite(true)
    flush()
  })
  console.log = console.info = console.debug = log.info
  console.warn = console.error = log.warn
  console.group = console.groupCollapsed = (...values) => {
    if (values.length > 0) printLine(STDOUT, values)
    printer().indent += '  '
  }
  console.groupEnd = () => {
    const owner = printer()
    owner.indent = owner.indent.slice(2)
  }
  replaceStream('stdout', 1, STDOUT)
  replaceStream('stderr', 2, STDERR)
  // Warnings of Node would go to the container's log, where no user finds them.
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (!isNoise(warning)) print(STDERR, `${warning.stack ?? warning}\n`)
  })
}

/**
 * Connects descriptors 1 and 2 to the server through named pipes, which need no reader in this process: output of child
 * processes, of libraries that bypass `process.stdout`, and the last messages of Node itself.
 */
function openPipes() {
  for (const [number, name] of [
    [1, 'stdout'],
    [2, 'stderr'],
  ]) {
    const pipe = join(serverFolder(), name)
    const reader = openSync(pipe, constants.O_RDWR)
    closeSync(number)
    openSync(pipe, constants.O_WRONLY) // takes the number: it is the lowest that is free
    closeSync(reader)
  }
}

/** Prints the shim's own messages about the function. */
function printTo(name, text) {
  print(name === 'stderr' ? STDERR : STDOUT, text)
}

function printLine(stream, values) {
  const text = values.length === 1 && typeof values[0] === 'string' ? values[0] : format(...values)
  const { indent } = printer()
  print(stream, indent === '' ? `${text}\n` : `${indent}${text.replaceAll('\n', `\n${indent}`)}\n`)
}

function printer() {
  const call = currentCall.getStore()
  return call === undefined || call.over ? outside : call
}

function print(stream, text) {
  if (text === '') return
  const { number } = printer()
  if (logText !== '' && (number !== logNumber || stream !== logStream)) sendLog()
  logNumber = number
  logStream = stream
  logText += text
  waitToWrite(true)
  if (logText.length > maxLogLength) sendLog()
  if (mayWriteAtOnce()) flush()
  else flushSoon()
  waitToWrite(false)
}

/**
 * Output before a hang or a kill must be visible, so a print is written at once; but a function that prints a lot would spend its
 * time in system calls, so from the 17th print in a millisecond on they wait for the end of the turn.
 */
function mayWriteAtOnce() {
  const time = now()
  if (time - windowStart > 1) {
    windowStart = time
    windowWrites = 0
  }
  return windowWrites++ < maxWritesPerWindow
}

function sendLog() {
  if (logText === '') return
  const text = logText
  logText = ''
  for (let from = 0; from < text.length; ) {
    const to = wholeCharacters(text, from + maxLogLength)
    sendFrame(LOG, logNumber, logStream, text.slice(from, to))
    from = to
  }
}

/** Moves the end of a slice out of a surrogate pair. */
function wholeCharacters(text, to) {
  const last = text.charCodeAt(to - 1)
  return last >= 0xd800 && last < 0xdc00 ? to - 1 : to
}

/** Replaces process.stdout or process.stderr by a stream of ours, created on first access. */
function replaceStream(name, fd, stream) {
  let replacement
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get: () => (replacement ??= openStream(fd, stream)),
  })
}

function openStream(fd, stream) {
  const { Writable } = builtin('node:stream')
  const writable = new Writable({
    decodeStrings: false,
    write(chunk, encoding, callback) {
      print(stream, typeof chunk === 'string' ? textOf(chunk, encoding) : decoderFor(printer(), stream).write(chunk))
      callback()
    },
  })
  // Node's standard streams cannot be closed either.
  const destroy = () => writable
  const end = (...values) => {
    const callback = values.find((value) => typeof value === 'function')
    if (callback) nextTick(callback)
    if (typeof values[0] !== 'function' && values[0] !== undefined && values[0] !== null) writable.write(values[0])
    return writable
  }
  return Object.assign(writable, { fd, end, destroy, isTTY: false, ...standardStreamMark })
}

function textOf(text, encoding) {
  return encoding === 'hex' || encoding === 'base64' || encoding === 'base64url'
    ? Buffer.from(text, encoding).toString()
    : text
}

function decoderFor(owner, stream) {
  const { StringDecoder } = builtin('node:string_decoder')
  owner.decoders ??= {}
  owner.decoders[stream] ??= new StringDecoder('utf8')
  return owner.decoders[stream]
}

/** Flushes an incomplete character at the end of a call. */
function endDecoders(call) {
  for (const stream of Object.keys(call.decoders)) {
    const rest = call.decoders[stream].end()
    if (rest !== '') currentCall.run(call, print, stream, rest)
  }
}

module.exports = { captureOutput, endDecoders, log, printTo }
