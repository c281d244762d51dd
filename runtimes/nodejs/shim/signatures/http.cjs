/** `fetch(request, context)` → `Response`: a function, or an object with such a `fetch`. */

const { fail, finish } = require('../answer.cjs')
const { builtin, min, nextTick, toJson, types } = require('../builtins.cjs')
const { frameTypes, send } = require('../wire.cjs')
const { inspect } = builtin('node:util')
const { CHUNK, END, HEAD, RESULT } = frameTypes

/** Answers up to this many bytes that are at hand at once go out as one frame. */
const smallAnswerBytes = 256 * 1024

/** Of an execution that did not come over HTTP: its input is posted. */
const postedTypes = { json: 'application/json', text: 'text/plain; charset=utf-8', bytes: 'application/octet-stream' }

function callableOf(exported, name) {
  const value = exported[name] ?? exported.default?.[name] ?? exported.default
  return typeof value?.fetch === 'function' ? value.fetch.bind(value) : value
}

function invoker(handler) {
  return handler
}

function inputOf(call, meta, buffer, from, to) {
  const { method, target, headers } = meta.http ?? postOf(meta.input)
  const hasBody = to > from && method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? buffer.subarray(from, to) : undefined
  return new IncomingRequest(call, urlOf(target, headers), { method, headers, body })
}

function postOf(kind) {
  const type = postedTypes[kind]
  return { method: 'POST', target: '/', headers: type ? [['content-type', type]] : [] }
}

function urlOf(target, headers) {
  const host = headers.find(([name]) => name.length === 4 && name.toLowerCase() === 'host')?.[1]
  const path = target.startsWith('/') ? target : `/${target}`
  const url = `http://${host ?? 'localhost'}${path}`
  return URL.canParse(url) ? url : `http://localhost${path}`
}

/**
 * A Request whose signal is that of its call. Handing the signal to the constructor instead takes a fourth of the time that a
 * small call takes in all, because a Request makes a signal of its own that follows.
 */
const IncomingRequest = class Request extends globalThis.Request {
  #call

  constructor(call, url, init) {
    super(url, init)
    this.#call = call
  }

  get signal() {
    return this.#call.controller.signal
  }
}

function answer(call, response) {
  if (typeof response?.status !== 'number' || typeof response.headers?.entries !== 'function') {
    return fail(call, new TypeError(`an http function answers with a Response, this one with ${inspect(response)}`))
  }
  const head = toJson({ status: response.status, headers: [...response.headers] })
  if (!response.body) return finish(call, RESULT, `{"value":"bytes","http":${head},`, '')
  sendBody(call, head, response.body).catch((error) => fail(call, error))
}

/**
 * Reads the body. When it is complete before the turn of the event loop is over, it is one frame; else it is streamed.
 * The turn is over when the microtasks are: a tick that is asked for in a microtask comes after all the others.
 */
async function sendBody(call, head, body) {
  const reader = body.getReader()
  call.reader = reader
  if (call.cancelled) reader.cancel().catch(() => {})
  const pieces = []
  let size = 0
  let streaming = false
  const stream = () => {
    if (streaming || call.over) return
    streaming = true
    send(HEAD, call.number, head)
    for (const piece of pieces) sendPiece(call, piece)
  }
  await undefined
  nextTick(stream)
  for (;;) {
    const { done, value } = await reader.read()
    if (done || call.over) break
    if (!types.isUint8Array(value)) throw new TypeError(`a body is made of bytes, not of ${inspect(value)}`)
    size += value.length
    if (size > smallAnswerBytes) stream()
    if (streaming) await sendAsCreditAllows(call, value)
    else pieces.push(value)
  }
  if (call.over) reader.cancel().catch(() => {})
  else if (streaming) finish(call, END, '{', '')
  else finish(call, RESULT, `{"value":"bytes","http":${head},`, pieces.length === 1 ? pieces[0] : Buffer.concat(pieces))
}

async function sendAsCreditAllows(call, bytes) {
  let at = 0
  while (at < bytes.length && !call.cancelled && !call.over) {
    if (call.credit > 0) at += sendPiece(call, bytes.subarray(at, at + min(call.credit, smallAnswerBytes)))
    else await creditFor(call)
  }
}

function sendPiece(call, piece) {
  call.credit -= piece.length
  if (piece.length > 0) send(CHUNK, call.number, '', piece)
  return piece.length
}

function creditFor(call) {
  return new Promise((resolve) => {
    call.wake = () => {
      call.wake = undefined
      resolve()
    }
  })
}

module.exports = { answer, callableOf, inputOf, invoker }
