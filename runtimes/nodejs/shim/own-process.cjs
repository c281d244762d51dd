/**
 * Settings that Node.js and the C library read once at the start come too late for a generic worker. A function that sets such a
 * variable, or has more memory than a generic worker's heap, runs in a child process that starts with these settings and takes
 * over the connection. The parent only waits for the child, and exits as it did.
 */

const { builtin, exit, mebibyte } = require('./builtins.cjs')
const { Refusal } = require('./errors.cjs')
const { sayToDescriptor } = require('./node-internals.cjs')

/** Variables that are read when a process starts, or before any code of a function could run. */
const readAtStart = new Set([
  'LD_LIBRARY_PATH',
  'LD_PRELOAD',
  'MALLOC_ARENA_MAX',
  'NODE_COMPILE_CACHE',
  'NODE_DEBUG',
  'NODE_DEBUG_NATIVE',
  'NODE_EXTRA_CA_CERTS',
  'NODE_ICU_DATA',
  'NODE_NO_WARNINGS',
  'NODE_OPTIONS',
  'NODE_PATH',
  'NODE_PENDING_DEPRECATION',
  'NODE_PRESERVE_SYMLINKS',
  'NODE_USE_ENV_PROXY',
  'NODE_USE_SYSTEM_CA',
  'OPENSSL_CONF',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'UV_THREADPOOL_SIZE',
])

/** Descriptors of the child: the connection, and a pipe with data already read from it. */
const connectionFd = 3
const handedFd = 4
const heapFlag = '--max-old-space-size='

class NodeDidNotStart extends Refusal {}

/** Whether the function needs settings that this process can no longer apply. */
function needsOwnProcess({ env = {}, memory_bytes: memoryBytes = 0 }) {
  const heapMib = Number(process.execArgv.find((flag) => flag.startsWith(heapFlag))?.slice(heapFlag.length) ?? Infinity)
  return memoryBytes > heapMib * mebibyte || Object.keys(env).some((name) => readAtStart.has(name) && env[name] !== '')
}

/**
 * Starts the child with the connection. `handed` is everything read from it since BIND. `onRefused` is called with the reason
 * when the child does not start; then the connection is ours again.
 */
function startOwnProcess(wish, socket, handed, onRefused) {
  const { spawn } = builtin('node:child_process')
  const { env = {}, secret_names: secretNames = [] } = wish
  const child = spawn(process.execPath, [...flagsFor(wish), process.argv[1]], {
    // Paths in the options are relative to the code.
    cwd: wish.code,
    env: { ...process.env, ...env, TAIBAI_CONNECTION: `${connectionFd}` },
    stdio: ['ignore', 'inherit', 'pipe', socket, 'pipe'],
  })
  let isUp = false
  let words = ''
  child.stdio[handedFd].on('error', () => {}).on('data', () => (isUp = true))
  child.stdio[handedFd].end(handed)
  child.stderr.setEncoding('utf8').on('data', (text) => {
    if (isUp) sayToDescriptor(text.replace(/\n$/, ''))
    else words += text
  })
  child.on('error', (error) =>
    onRefused(new NodeDidNotStart(`a process of its own could not be started: ${error.message}`)),
  )
  child.on('close', (code, signal) => {
    if (isUp) endAs(code, signal)
    else onRefused(new NodeDidNotStart(`Node.js does not start with ${described(env, secretNames, words, code)}`))
  })
  process.removeAllListeners('SIGTERM')
  process.on('SIGTERM', () => child.kill('SIGTERM'))
}

/** The heap may fill the function's memory, unless the function sets a limit. */
function flagsFor({ env = {}, memory_bytes: memoryBytes }) {
  const others = process.execArgv.filter((flag) => !flag.startsWith(heapFlag))
  if (!memoryBytes || /--max[-_]old[-_]space[-_]size/.test(env.NODE_OPTIONS ?? '')) return others
  return [...others, `${heapFlag}${Math.floor(memoryBytes / mebibyte)}`]
}

/** Node's message about a variable repeats its value: for a secret, neither is shown. */
function described(env, secretNames, words, code) {
  const names = Object.keys(env).filter((name) => readAtStart.has(name))
  const isSecret = names.some((name) => secretNames.includes(name))
  const shown = names.map((name) => (secretNames.includes(name) ? name : `${name}=${env[name]}`))
  const reason = isSecret || words.trim() === '' ? `code ${code}` : words.trim()
  return `${shown.join(' ') || 'a heap of its memory'}: ${reason}`
}

function endAs(code, signal) {
  if (signal === null) exit(code)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  // The first process of a sandbox cannot be ended by its own signals.
  exit(128 + builtin('node:os').constants.signals[signal])
}

/** In the child: the data with which to continue. */
function takenOver() {
  const { closeSync, readFileSync, writeSync } = builtin('node:fs')
  const fd = Number(process.env.TAIBAI_CONNECTION)
  delete process.env.TAIBAI_CONNECTION
  const handed = readFileSync(handedFd)
  writeSync(handedFd, 'up')
  closeSync(handedFd)
  return { fd, handed }
}

module.exports = { needsOwnProcess, startOwnProcess, takenOver }
