/** The life of the worker: handles the server's frames and binds the function. */

const { fail, failNotBound, takeNoMore } = require('./answer.cjs')
const { exit, milliseconds, now, parseJson, toJson } = require('./builtins.cjs')
const { inFlight, openCall } = require('./calls.cjs')
const { describeError, lastWords } = require('./errors.cjs')
const { invoke, setFunction, setOpenStack } = require('./invoke.cjs')
const { load } = require('./load.cjs')
const { needsOwnProcess, startOwnProcess } = require('./own-process.cjs')
const { captureOutput, printTo } = require('./output.cjs')
const { listenForUncaught } = require('./uncaught.cjs')
const { close, encode, frameTypes, handOver, onFrame, send } = require('./wire.cjs')
const { BIND, BIND_FAILED, BOUND, CALL, CANCEL, CODE, CREDIT, SESSION } = frameTypes

/** A worker that has its function by then is not kept from it. */
const warmUpAfterMs = 20

/**
 * `new`, `generic`, then `loading`, then `bound` or `broken`, and `ending` once the worker is about to exit. `leaving`: another
 * process takes over the connection.
 */
let state = 'new'
let isOwnProcess = false
/** Calls that arrived while the code was loading. */
let early = []
/** Frames for the process that takes over. */
let handed = []

/** Starts handling frames. A second call does nothing. `isOurs`: this process was started for its function. */
function start(isOurs = false) {
  if (state !== 'new') return module.exports
  state = 'generic'
  isOwnProcess = isOurs
  onFrame(takeFrame)
  captureOutput()
  listenForUncaught(endWith)
  process.on('SIGTERM', onTerminate)
  if (!isOurs) setTimeout(warmUp, warmUpAfterMs)
  return module.exports
}

function warmUp() {
  if (state === 'generic') require('./warm-up.cjs').warmUp()
}

/** One whole frame. `body` lies at `from` to `to` in `buffer`, which is overwritten afterwards unless it is `owned`. */
function takeFrame(type, number, meta, buffer, from, to, owned, arrivedAt) {
  if (state === 'ending') return
  if (state === 'leaving') handed.push(encode(type, number, meta, buffer.subarray(from, to)))
  else if (type === CALL) takeCall(number, readMeta(meta), buffer, from, to, owned, arrivedAt)
  else if (type === CANCEL) inFlight.get(number)?.cancel()
  else if (type === CREDIT) inFlight.get(number)?.grant(readMeta(meta).bytes)
  else if (type === BIND) bind(readMeta(meta), meta)
  else if (type === SESSION) takeSession(readMeta(meta))
  else if (type === CODE) require('./code.cjs').layOut(readMeta(meta), buffer.subarray(from, to))
}

function readMeta(meta) {
  if (meta === '') return {}
  const value = parseJson(meta)
  if (typeof value !== 'object' || value === null) throw new Error('the meta of a frame is not a JSON object')
  return value
}

function takeCall(number, meta, buffer, from, to, owned, arrivedAt) {
  const call = openCall(number, arrivedAt)
  if (state === 'bound') invoke(call, meta, buffer, from, to, owned)
  else if (state === 'loading') early.push({ call, meta, body: Buffer.from(buffer.subarray(from, to)) })
  else failNotBound(call, 'no function is bound to this worker')
}

function takeSession(session) {
  const isNone = session.token === undefined && session.problem === undefined
  setOpenStack(isNone ? null : require('./openstack.cjs').renew(session))
}

async function bind(wish, meta) {
  if (state !== 'generic') {
    const message = 'this worker has been given a function already'
    return send(BIND_FAILED, 0, toJson({ type: 'AlreadyBound', message, stack: '' }))
  }
  if (!isOwnProcess && needsOwnProcess(wish)) return leaveTo(wish, meta)
  state = 'loading'
  const startedAt = now()
  try {
    const fn = await load(wish)
    if (state === 'ending') return
    state = 'bound'
    setFunction(fn)
    const told = fn.described === undefined ? '' : `,${toJson(fn.described).slice(1, -1)}`
    send(BOUND, 0, `{"load_ms":${milliseconds(now() - startedAt)}${told}}`)
  } catch (error) {
    if (state === 'ending') return
    refuse(error)
  }
  takeEarlyCalls()
}

function leaveTo(wish, meta) {
  state = 'leaving'
  handed = [encode(BIND, 0, meta, Buffer.alloc(0))]
  handOver((socket, unread) => {
    startOwnProcess(wish, socket, Buffer.concat([...handed, unread]), (reason) => {
      refuse(reason)
      close(() => exit(1))
    })
  })
}

function refuse(error) {
  state = 'broken'
  send(BIND_FAILED, 0, toJson(describeError(error)))
}

/** The loading time does not count as theirs. */
function takeEarlyCalls() {
  const waiting = early
  early = []
  for (const { call, meta, body } of waiting) {
    call.begin(now())
    if (state === 'bound') invoke(call, meta, body, 0, body.length, true)
    else failNotBound(call, 'the function of this worker could not be loaded')
  }
}

/** Fails the calls in flight, because they end with the worker, and exits. */
function endWith(error) {
  if (state === 'ending') return
  if (state === 'loading') refuse(error)
  state = 'ending'
  if (inFlight.size === 0) printTo('stderr', `${lastWords(error)}\n`)
  takeNoMore()
  for (const call of inFlight.values()) fail(call, error)
  close(() => exit(1))
}

/**
 * SIGTERM: the worker will be removed soon. A function with its own handler ends when it is ready; for others the process ends as
 * soon as no call is in flight, running its `exit` handlers.
 */
function onTerminate(_signal, number) {
  const isLeftToFunction = process.listenerCount('SIGTERM') > 1
  takeNoMore(isLeftToFunction ? undefined : () => exit(128 + number))
}

module.exports = { start, takeFrame }
