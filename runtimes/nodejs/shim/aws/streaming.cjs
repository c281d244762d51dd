/** `awslambda.streamifyResponse(handler)`: `handler(event, responseStream, context)`, whose response is what it writes. */

const { builtin, isThenable, nextTick, toJson, types, whenSettled } = require('../builtins.cjs')
const { fail } = require('../answer.cjs')
const { headOf } = require('./function-url.cjs')

const mark = Symbol.for('aws.lambda.runtime.handler.streaming')
const setPrelude = Symbol('setPrelude')
/** Separator after the head of a response that is embedded in the stream. */
const afterPrelude = Buffer.alloc(8)
const httpType = 'application/vnd.awslambda.http-integration-response'

const streams = {
  streamifyResponse(handler, options) {
    handler[mark] = { highWaterMark: options?.highWaterMark }
    return handler
  },
  HttpResponseStream: {
    from(stream, prelude) {
      stream[setPrelude](prelude)
      return stream
    },
  },
  isStreamed: (handler) => typeof handler === 'function' && handler[mark] !== undefined,
}

/** The call ends with its stream; the handler's return value is ignored. */
const streamed = (handler) => (turn, context) => {
  const { call } = turn
  const stream = openStream(turn, handler[mark].highWaterMark)
  turn.fail = (error) => {
    if (!call.over) fail(call, error)
    stream.destroy()
  }
  const value = handler(turn.event, stream, context)
  if (!isThenable(value)) return turn.fail(new TypeError('a streaming handler must be async'))
  whenSettled(
    value,
    () => {
      if (!stream.writableEnded) turn.fail(new Error('the handler returned before it ended its response stream'))
    },
    (error) => turn.fail(error),
  )
}

function openStream(turn, highWaterMark) {
  const { Writable } = builtin('node:stream')
  const { AnswerBody } = require('../web/answer-body.cjs')
  const { call, http } = turn
  let type = 'application/octet-stream'
  let prelude
  let body

  /** Called with the first byte, or the end. */
  function begin() {
    if (body !== undefined) return undefined
    const isHead = prelude !== undefined && http !== undefined
    const head = isHead
      ? headOf(prelude)
      : { status: 200, headers: [['content-type', prelude === undefined ? type : httpType]] }
    body = new AnswerBody(call, toJson(head))
    if (prelude === undefined || isHead) return undefined
    return body.write(Buffer.concat([Buffer.from(toJson(prelude)), afterPrelude]))
  }

  async function pass(chunk) {
    await begin()
    await body.write(chunk)
    if (call.cancelled) throw new Error('nobody reads the answer any more')
  }

  const stream = new Writable({
    highWaterMark,
    write(chunk, _encoding, done) {
      pass(chunk).then(() => done(), done)
    },
    final(done) {
      Promise.resolve(begin()).then(() => {
        body.end()
        done()
      }, done)
    },
  })
  // An error of the stream is reported as the call's failure.
  stream.on('error', (error) => call.over || fail(call, error))
  const { write } = stream
  stream.write = (chunk, ...rest) => write.call(stream, asBytes(chunk), ...rest)
  const { end } = stream
  stream.end = (chunk, ...rest) =>
    typeof chunk === 'function' || chunk === undefined || chunk === null
      ? end.call(stream, chunk, ...rest)
      : end.call(stream, asBytes(chunk), ...rest)
  stream.setContentType = (wanted) => {
    if (body !== undefined) throw new Error('the content type cannot be set once the answer has begun')
    type = `${wanted}`
  }
  stream[setPrelude] = (given) => {
    if (body !== undefined) throw new Error('the head of the answer cannot be set once it has begun')
    prelude = given
  }
  call.controller.signal.addEventListener('abort', () => nextTick(() => stream.destroy()))
  return stream
}

function asBytes(chunk) {
  return typeof chunk === 'string' || types.isUint8Array(chunk) ? chunk : toJson(chunk)
}

module.exports = { streamed, streams }
