/** Ends calls: a return value becomes a RESULT frame, an exception a FAILED frame. */

const { builtin, max, milliseconds, now, toJson, types } = require('./builtins.cjs')
const { inFlight } = require('./calls.cjs')
const { describeError, Refusal } = require('./errors.cjs')
const { endDecoders } = require('./output.cjs')
const { cpuMs, memoryPeakBytes, stalledMs } = require('./usage.cjs')
const { frameTypes, send } = require('./wire.cjs')
const { inspect } = builtin('node:util')
const { FAILED, RESULT } = frameTypes

class NotBound extends Refusal {}
class ResultNotSerializable extends Refusal {}
class ResultTooLarge extends Refusal {}

function answer(call, value, { maxResultBytes }) {
  if (call.over) return
  if (typeof value === 'string') return sendResult(call, '{"value":"text",', value, maxResultBytes)
  if (value === undefined || value === null) return sendResult(call, '{"value":"json",', 'null', maxResultBytes)
  if (types.isUint8Array(value)) return sendResult(call, '{"value":"bytes",', value, maxResultBytes)
  let text
  try {
    text = toJson(value)
  } catch (error) {
    return fail(call, new ResultNotSerializable(`the result cannot be put as JSON: ${error?.message}`))
  }
  if (text !== undefined) return sendResult(call, '{"value":"json",', text, maxResultBytes)
  fail(call, new ResultNotSerializable(`the result is ${inspect(value)}, which JSON cannot say`))
}

/** Sends any value as JSON; a top-level value without JSON form becomes null. */
function answerJson(call, value, { maxResultBytes }) {
  if (call.over) return
  let text
  try {
    text = toJson(value) ?? 'null'
  } catch (error) {
    return fail(call, new ResultNotSerializable(`the result cannot be put as JSON: ${error?.message}`))
  }
  sendResult(call, '{"value":"json",', text, maxResultBytes)
}

/** `head`: JSON of status and headers. */
function answerHttp(call, head, body, { maxResultBytes }) {
  if (!call.over) sendResult(call, `{"value":"bytes","http":${head},`, body, maxResultBytes)
}

function sendResult(call, metaStart, body, maxBytes) {
  if (isLonger(body, maxBytes)) {
    const bytes = Buffer.byteLength(body)
    return fail(call, new ResultTooLarge(`the result has ${bytes} bytes, and at most ${maxBytes} are allowed`))
  }
  finish(call, RESULT, metaStart, body)
}

/** Counts the bytes of a string only when its length does not already decide. */
function isLonger(body, limit) {
  if (typeof body !== 'string') return body.length > limit
  return body.length * 3 > limit && Buffer.byteLength(body) > limit
}

function fail(call, error) {
  if (call.over) return
  const described = toJson(describeError(error))
  finish(call, FAILED, `${described.slice(0, -1)},`, '')
}

/** Fails a call and sends a response too: `makeText` returns its JSON. */
function failWith(call, error, makeText, { maxResultBytes }) {
  if (call.over) return
  let text
  try {
    text = makeText()
  } catch (thrown) {
    return fail(call, new ResultNotSerializable(`the result cannot be put as JSON: ${thrown?.message}`))
  }
  if (isLonger(text, maxResultBytes)) return fail(call, error)
  const described = toJson(describeError(error))
  finish(call, FAILED, `${described.slice(0, -1)},`, text)
}

function failNotBound(call, reason) {
  fail(call, new NotBound(reason))
}

/** Added to the end of each call once the worker is about to exit: it takes no more calls. */
let lastMeta = ''
/** Called when no call is in flight any more. */
let afterLast

/** `then` is called when the calls in flight have ended; at once when there are none. */
function takeNoMore(then) {
  lastMeta = '"last":true,'
  afterLast = then
  if (inFlight.size === 0) then?.()
}

/** The only way in which a call ends: a frame whose meta begins with `metaStart` and ends with the resource usage. */
function finish(call, type, metaStart, body) {
  if (call.decoders) endDecoders(call)
  const endedAt = now()
  const runMs = endedAt - call.startedAt
  const usedCpuMs = max(cpuMs(endedAt) - call.cpuAtStart, 0)
  call.over = true
  inFlight.delete(call.number)
  const peak = memoryPeakBytes(endedAt)
  const stalled = stalledMs(endedAt)
  const stall = stalled === undefined ? '' : `"stalled_ms":${milliseconds(stalled)},`
  const used = `${call.meta}${lastMeta}${stall}"run_ms":${milliseconds(runMs)},"cpu_ms":${milliseconds(usedCpuMs)},"memory_peak_bytes":${peak}}`
  send(type, call.number, metaStart + used, body)
  if (inFlight.size === 0) afterLast?.()
}

module.exports = { answer, answerHttp, answerJson, fail, failNotBound, failWith, finish, takeNoMore }
