/**
 * AWS Lambda: `handler(event, context, callback)`, as called by Amazon's runtime client. A call over HTTP becomes the event of a
 * function URL (payload format 2.0), and its result an HTTP response.
 */

const { answerJson, fail } = require('../answer.cjs')
const { dateNow, isThenable, parseJson, whenSettled } = require('../builtins.cjs')
const { surroundings, traceOf } = require('../aws/environment.cjs')
const { changingEnv } = require('../changing-env.cjs')
const { answerRequest, eventOf } = require('../aws/function-url.cjs')
const { describeLoadError } = require('../aws/load-errors.cjs')
const { streamed, streams } = require('../aws/streaming.cjs')
const { whenLoopIsEmpty } = require('../aws/empty-loop.cjs')

/** Context values that all calls share. */
let fixed
/** Environment variables that change with each call. */
let changing

/** Called before the module is loaded: sets what its code may read. */
function prepare(wish) {
  if (wish.entry?.includes('..')) throw malformed(wish.entry)
  fixed = surroundings(wish, true)
  changing = changingEnv()
  if (globalThis.awslambda === undefined) globalThis.awslambda = { ...streams }
}

function malformed(entry) {
  const error = new Error(`"${entry}" is not a valid handler name. Use "." only to part a module from its function.`)
  return Object.assign(error, { name: 'Runtime.MalformedHandlerName', stack: '' })
}

function bind(handler, wish) {
  const start = streams.isStreamed(handler) ? streamed(handler) : startBuffered
  const waits = wish.concurrency === 1
  return {
    inputOf: (call, meta, buffer, from, to) => new Turn(call, meta, wish, inputOf(meta, buffer, from, to)),
    contextOf: (_call, meta) => meta,
    invoke: (turn, meta) => start(turn, contextOf(turn, meta), handler, waits),
    answer: () => {},
  }
}

function inputOf(meta, buffer, from, to) {
  if (meta.http !== undefined) return eventOf(meta, fixed, buffer.subarray(from, to))
  if (meta.input === 'json') return parseJson(buffer.toString('utf8', from, to))
  if (meta.input === 'text') return buffer.toString('utf8', from, to)
  return meta.input === 'bytes' ? buffer.toString('base64', from, to) : {}
}

/** One call, which takes the first of several results. */
class Turn {
  isOver = false
  /** The callback's result, while the event loop is not empty. */
  called
  http

  constructor(call, meta, wish, event) {
    this.call = call
    this.wish = wish
    this.event = event
    this.http = meta.http
  }

  succeed(value) {
    if (!this.#end()) return
    try {
      if (this.http === undefined) answerJson(this.call, value, this.wish)
      else answerRequest(this.call, value, this.wish)
    } catch (error) {
      fail(this.call, error)
    }
  }

  fail(error) {
    if (this.#end()) fail(this.call, error)
  }

  #end() {
    if (this.isOver) return false
    this.isOver = true
    this.stopWaiting?.()
    return true
  }
}

/** Methods do not use `this`, because handlers detach them. */
function contextOf(turn, { execution_id: id, deadline_ms: deadlineMs, client }) {
  changing._X_AMZN_TRACE_ID = traceOf(id)
  return {
    awsRequestId: id,
    functionName: fixed.functionName,
    functionVersion: fixed.functionVersion,
    invokedFunctionArn: client?.arn ?? fixed.arn,
    memoryLimitInMB: fixed.memoryMib,
    logGroupName: fixed.logGroupName,
    logStreamName: fixed.logStreamName,
    clientContext: client?.context,
    identity: undefined,
    tenantId: undefined,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadlineMs - dateNow(),
    succeed: (value) => turn.succeed(value),
    fail: (error) => turn.fail(error),
    done: (error, value) => (isNothing(error) ? turn.succeed(value) : turn.fail(error)),
  }
}

const isNothing = (error) => error === undefined || error === null

/** The handler's return value counts when it is a promise; exceptions always count. */
function startBuffered(turn, context, handler, waits) {
  const callback = (error, value) => {
    turn.called ??= { error, value }
    if (!waits || !context.callbackWaitsForEmptyEventLoop) settleAsCalled(turn)
  }
  const value = handler(turn.event, context, callback)
  if (isThenable(value)) {
    if (waits) whenLoopIsEmpty(turn, () => turn.fail(neverSettled()))
    whenSettled(
      value,
      (value) => turn.succeed(value),
      (error) => turn.fail(error),
    )
  } else if (waits && !turn.isOver) whenLoopIsEmpty(turn, () => settleAsCalled(turn))
}

/** The loop is empty without a callback: no result can come any more. */
function settleAsCalled(turn) {
  const { error, value } = turn.called ?? {}
  if (isNothing(error)) turn.succeed(turn.called === undefined ? null : value)
  else turn.fail(error)
}

function neverSettled() {
  const error = new Error(
    'The promise that the handler returned never settled, and nothing is left that could settle it.',
  )
  return Object.assign(error, { name: 'Runtime.NodeJsExit', stack: '' })
}

/** Splits at the first dot. */
function splitAt(entry, folderEnd) {
  return entry.indexOf('.', folderEnd)
}

/** A path of properties: `handlers.orders.create`. */
function callableOf(exported, name) {
  const path = name.split('.')
  const within = (root) => path.reduce((value, key) => value?.[key], root)
  return within(exported) ?? within(exported.default)
}

const extensions = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx']

module.exports = { bind, callableOf, describeLoadError, extensions, prepare, splitAt }
