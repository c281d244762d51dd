/**
 * `fetch(request, context)` → `Response`: a function, or an object with such a method, as in Hono. An application for `node:http`
 * (Express, Koa, Fastify, a server) is called by `web/application` instead.
 */

const { fail, finish } = require('../answer.cjs')
const { builtin, toJson, types } = require('../builtins.cjs')
const { AnswerBody } = require('../web/answer-body.cjs')
const { frameTypes } = require('../wire.cjs')
const { inspect } = builtin('node:util')
const { RESULT } = frameTypes

/** Content types of the POST request for an execution that did not come over HTTP. */
const postedTypes = { json: 'application/json', text: 'text/plain; charset=utf-8', bytes: 'application/octet-stream' }

function callableOf(exported, name) {
  return exported[name] ?? exported.default?.[name] ?? exported.default
}

function isCallable(value) {
  return typeof value === 'function' || typeof value?.fetch === 'function' || isApplication(value)
}

/** Applications of frameworks for `node:http` have one of these methods and are no fetch handlers. */
function isApplication(value) {
  const isFunction = typeof value === 'function'
  if (typeof value?.fetch === 'function') return false
  return isFunction
    ? typeof value.handle === 'function'
    : ['callback', 'routing', 'emit'].some((name) => typeof value?.[name] === 'function')
}

function bind(value) {
  if (isApplication(value)) return require('../web/application.cjs').bind(value)
  if (typeof value === 'function') return { invoke: value, inputOf: requestOf, answer }
  if (typeof value.getPath === 'function') routeBelowPrefix(value)
  return {
    invoke: value.fetch.bind(value),
    inputOf: typeof value.getPath === 'function' ? wholeRequestOf : requestOf,
    answer,
  }
}

/** Hono gets the whole URL, so that its redirects and links are correct, and routes by the path below the prefix. */
function routeBelowPrefix(app) {
  const { getPath } = app
  app.getPath = (request, ...rest) => {
    const path = getPath.call(app, request, ...rest)
    // Hono has decoded the path.
    const prefix = decodedPath(prefixOf(request))
    return prefix !== '' && path.startsWith(prefix) ? path.slice(prefix.length) || '/' : path
  }
}

function decodedPath(path) {
  if (!path.includes('%')) return path
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}

/** The request's path is relative to the function's own, because functions route by it. */
function requestOf(call, meta, buffer, from, to) {
  const { target, headers, url } = askedOf(meta)
  return makeRequest(call, meta, urlOf(target, headers, url), buffer, from, to)
}

function wholeRequestOf(call, meta, buffer, from, to) {
  const { target, headers, url } = askedOf(meta)
  return makeRequest(call, meta, url ?? urlOf(target, headers), buffer, from, to)
}

function makeRequest(call, meta, url, buffer, from, to) {
  const { method, headers, prefix = '' } = askedOf(meta)
  const hasBody = to > from && method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? buffer.subarray(from, to) : undefined
  return new IncomingRequest(call, prefix, url, { method, headers, body })
}

function askedOf(meta) {
  return meta.http ?? postOf(meta.input)
}

function postOf(kind) {
  const type = postedTypes[kind]
  return { method: 'POST', target: '/', headers: type ? [['content-type', type]] : [] }
}

/** `whole`: the caller's URL. Without it the host comes from the Host header. */
function urlOf(target, headers, whole) {
  const path = target.startsWith('/') ? target : `/${target}`
  if (whole !== undefined) return `${whole.slice(0, whole.indexOf('/', whole.indexOf('://') + 3))}${path}`
  const host = headers.find(([name]) => name.length === 4 && name.toLowerCase() === 'host')?.[1]
  const url = `http://${host ?? 'localhost'}${path}`
  return URL.canParse(url) ? url : `http://localhost${path}`
}

let prefixOf

/**
 * A Request whose signal is that of its call. Passing the signal to the constructor takes a quarter of a small call's time,
 * because a Request creates a signal of its own that follows it.
 */
const IncomingRequest = class Request extends globalThis.Request {
  #call
  #prefix

  static {
    prefixOf = (request) => (#prefix in request ? request.#prefix : '')
  }

  constructor(call, prefix, url, init) {
    super(url, init)
    this.#call = call
    this.#prefix = prefix
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

async function sendBody(call, head, body) {
  const reader = body.getReader()
  call.reader = reader
  if (call.cancelled) reader.cancel().catch(() => {})
  const answerBody = new AnswerBody(call, head)
  for (;;) {
    const { done, value } = await reader.read()
    if (done || call.over) break
    if (!types.isUint8Array(value)) throw new TypeError(`a body is made of bytes, not of ${inspect(value)}`)
    await answerBody.write(value)
  }
  if (call.over) reader.cancel().catch(() => {})
  else answerBody.end()
}

module.exports = { bind, callableOf, isCallable }
