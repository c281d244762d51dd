/** A call of the bound function: its arguments, and the handling of its result. */

const { answer: answerValue, fail } = require('./answer.cjs')
const { dateNow, isThenable, now, parseJson, whenSettled } = require('./builtins.cjs')
const { currentCall, inFlight, openCall } = require('./calls.cjs')
const { log } = require('./output.cjs')

/** The result of `load`. */
let fn
/** The calls' OpenStack session; null: none. */
let openstack = null

function setFunction(loaded) {
  fn = loaded
}

function setOpenStack(session) {
  openstack = session
}

/** The input is in `buffer` from `from` to `to`, which is overwritten afterwards unless it is `owned`. */
function invoke(call, meta, buffer, from, to, owned) {
  currentCall.run(call, run, call, meta, buffer, from, to, owned)
}

/** A call of this function that no one made: it is over before it is answered. The function answers at once. */
function rehearse(rehearsed) {
  const [bound, input] = [fn, Buffer.from('{}')]
  fn = rehearsed
  const call = openCall(0, now())
  call.over = true
  inFlight.delete(0)
  invoke(call, { input: 'json' }, input, 0, input.length, true)
  fn = bound
}

function run(call, meta, buffer, from, to, owned) {
  try {
    const { answer = answerValue, contextOf: makeContext = contextOf, inputOf = plainInputOf, invoke } = fn
    const context = makeContext(call, meta)
    const input = inputOf(call, meta, buffer, from, to, owned)
    if (meta.http !== undefined && inputOf === plainInputOf)
      describeRequest(context, meta.http, input, buffer, from, to)
    const value = invoke(input, context)
    if (!isThenable(value)) return answer(call, value, fn)
    whenSettled(
      value,
      (value) => answer(call, value, fn),
      (error) => fail(call, error),
    )
  } catch (error) {
    fail(call, error)
  }
}

function plainInputOf(_call, { input }, buffer, from, to, owned) {
  if (input === 'json') return parseJson(buffer.toString('utf8', from, to))
  if (input === 'text') return buffer.toString('utf8', from, to)
  if (input === 'bytes') return owned ? buffer.subarray(from, to) : Buffer.from(buffer.subarray(from, to))
  return null
}

/** Plain data, so that a function may copy it; its methods use only `this`, so that a copy works too. */
function contextOf(call, meta) {
  const context = {
    executionId: meta.execution_id,
    functionId: fn.id,
    functionName: fn.name,
    functionVersion: fn.version,
    projectId: fn.project,
    deadlineMs: meta.deadline_ms,
    trigger: meta.trigger,
    traceparent: meta.traceparent ?? null,
    languageVersion,
    getRemainingTimeInMillis,
    signal: call.controller.signal,
    log,
    openstack,
    api: fn.apiOf(meta.execution_id),
    // The names of AWS Lambda.
    awsRequestId: meta.execution_id,
    memoryLimitInMB: fn.memoryMib,
    callbackWaitsForEmptyEventLoop: true,
  }
  if (meta.http !== undefined) {
    context.url = meta.http.url
    context.prefix = meta.http.prefix
  }
  return context
}

function describeRequest(context, http, input, buffer, from, to) {
  context.request = requestOf(http, buffer, from, to)
  const event =
    http.headers.some(([name]) => name === 'ce-specversion') && require('./cloud-event.cjs').attributesIn(http)
  if (event) context.cloudevent = input === null ? event : { ...event, data: input }
}

/** The request of a webhook, whose fields are the input. Without a body of its own, it has the input's bytes. */
function requestOf({ method, url, target, headers, body }, buffer, from, to) {
  const end = target.indexOf('?')
  const request = { method, url, query: end === -1 ? '' : target.slice(end + 1), headers: joined(headers), body: null }
  if (body === undefined) request.body = Buffer.from(buffer.subarray(from, to))
  else if (body !== null) request.body = Buffer.from(body, 'base64')
  return request
}

/** Joins repeated headers by name; a Map, because a caller may send one named `constructor`. */
function joined(headers) {
  const byName = Object.create(null)
  for (const [name, value] of headers) {
    byName[name] = name in byName ? `${byName[name]}${name === 'cookie' ? '; ' : ', '}${value}` : value
  }
  return { ...byName }
}

const languageVersion = process.versions.node

function getRemainingTimeInMillis() {
  const left = this.deadlineMs - dateNow()
  return left > 0 ? left : 0
}

module.exports = { invoke, plainInputOf, rehearse, setFunction, setOpenStack }
