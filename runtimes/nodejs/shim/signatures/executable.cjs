/**
 * Executables and scripts in any language, started for each call: the event is on standard input, the result on standard output,
 * and the log on standard error. The entry is a file of the package, with or without its extension.
 */

const { currentCall } = require('../calls.cjs')
const { Refusal } = require('../errors.cjs')
const { builtin, parseJson } = require('../builtins.cjs')
const { callVariables } = require('../executable/variables.cjs')
const { programOf } = require('../executable/program.cjs')

/** How long to wait for output while a background process of the program holds the pipe open. */
const lastOutputMs = 50
/** Number of such waits after which continuing output is ignored. */
const mostLooks = 20
/** Number of bytes from the end of its log in which the last line is searched. */
const longestSaid = 2000

class ExitStatus extends Refusal {}
class ResultTooLarge extends Refusal {}

const load = (wish) => programOf(wish.code, wish.entry ?? 'main')

function bind(program, wish) {
  const variables = callVariables(wish)
  return {
    inputOf: (_call, meta, buffer, from, to) => (meta.input === 'none' ? '' : Buffer.from(buffer.subarray(from, to))),
    contextOf: (call, meta) => ({ call, variables: variables(meta) }),
    invoke: (input, context) => run(program, input, context, wish.maxResultBytes),
  }
}

async function run({ command, args, cwd }, input, { call, variables }, maxBytes) {
  const env = { ...process.env, ...variables }
  const child = builtin('node:child_process').spawn(command, args, { cwd, env })
  call.controller.signal.addEventListener('abort', () => endAll(child.pid))
  const output = collect(child, call, maxBytes)
  child.stdin.on('error', () => {}) // the program does not read all of it
  child.stdin.end(input)
  const { code, signal } = await ended(child, output)
  // Nobody reads the output of processes that still run.
  child.stdout.destroy()
  if (output.bytes > maxBytes) {
    throw new ResultTooLarge(`the program has printed more than the ${maxBytes} bytes that are allowed as an answer`)
  }
  if (code !== 0) throw new ExitStatus(howItEnded(code, signal, lastLineOf(output.said)))
  return answerOf(Buffer.concat(output.pieces))
}

function collect(child, call, maxBytes) {
  const output = { pieces: [], bytes: 0, said: Buffer.alloc(0) }
  child.stdout.on('data', (piece) => {
    output.bytes += piece.length
    if (output.bytes <= maxBytes) output.pieces.push(piece)
    else endAll(child.pid)
  })
  child.stderr.on('data', (piece) => {
    currentCall.run(call, () => process.stderr.write(piece))
    output.said = Buffer.concat([output.said, piece]).subarray(-longestSaid)
  })
  return output
}

/**
 * Ends a shell together with the programs that it has started. A process group of their own is not used, because the end of the
 * worker, where it is a plain process, would not reach it.
 */
function endAll(pid) {
  if (pid === undefined) return
  for (const each of [...startedBy(pid), pid]) {
    try {
      process.kill(each, 'SIGKILL')
    } catch {
      // The process has ended.
    }
  }
}

function startedBy(pid) {
  const found = childrenOf(pid)
  return [...found, ...found.flatMap(startedBy)]
}

/** On a kernel without this file, child processes are left running. */
function childrenOf(pid) {
  try {
    const text = builtin('node:fs').readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
    return text.split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

const lastLineOf = (said) => said.toString().trimEnd().split('\n').at(-1)

function ended(child, output) {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new ExitStatus(`the program cannot be started: ${error.message}`)))
    child.once('exit', (code, signal) => whenQuiet(output, () => resolve({ code, signal })))
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
}

/** Calls back when no output has arrived for a moment, and none can be read. */
function whenQuiet(output, then, looks = 0) {
  const before = output.bytes
  const look = () => (output.bytes === before || looks === mostLooks ? then() : whenQuiet(output, then, looks + 1))
  setTimeout(() => setImmediate(look), lastOutputMs)
}

function howItEnded(code, signal, lastLine) {
  const how = signal === null ? `ended with exit status ${code}` : `was ended by ${signal}`
  return `the program ${how}${lastLine === '' ? '' : `: ${lastLine}`}`
}

/** JSON becomes a value; other text a string without its last line end; anything else bytes. Empty output is null. */
function answerOf(bytes) {
  if (bytes.length === 0) return null
  if (!builtin('node:buffer').isUtf8(bytes)) return bytes
  const text = bytes.toString()
  try {
    return parseJson(text)
  } catch {
    return text.replace(/\r?\n$/, '')
  }
}

module.exports = { bind, load }
