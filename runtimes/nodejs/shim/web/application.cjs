/**
 * Applications for `node:http`. Each call is a connection of its own to a server without a port: Node's own parser reads the
 * request, and `response-reader.cjs` reads what the application writes to the client.
 */

const { fail } = require('../answer.cjs')
const { builtin, toJson } = require('../builtins.cjs')
const { AnswerBody } = require('./answer-body.cjs')
const { ResponseReader } = require('./response-reader.cjs')
const { createServer } = builtin('node:http')
const { Duplex } = builtin('node:stream')

/** Large, so that headers accepted by the platform are not refused here. */
const maxHeaderBytes = 1024 * 1024

/**
 * Options: `headersOf(meta)` returns further request headers; `postedTypeOf(meta, bytes)` the content type of an input that did
 * not come over HTTP; with `answersValues` such a call returns the body as its value, and fails on an error status.
 */
async function bind(application, options = {}) {
  const handler = await handlerOf(application)
  const server = createServer({
    maxHeaderSize: maxHeaderBytes,
    requestTimeout: 0,
    headersTimeout: 0,
    keepAliveTimeout: 0,
  })
  server.timeout = 0
  server.on('request', (request, response) => {
    placeBelow(request, request.socket.prefix)
    handler(request, response)
  })
  return {
    inputOf: (call, meta, buffer, from, to) => inputOf(call, meta, buffer.subarray(from, to), options),
    invoke: (asked) => serve(server, asked),
    answer: () => {},
  }
}

/** The function to call with a request and a response of `node:http`. */
async function handlerOf(application) {
  if (typeof application === 'function') return application
  if (typeof application.callback === 'function') return application.callback()
  if (typeof application.routing === 'function') {
    await application.ready()
    return application.routing
  }
  return (request, response) => application.emit('request', request, response)
}

/** Sets these properties as Express does for mounted paths, for links and redirects. */
function placeBelow(request, prefix) {
  if (prefix === '') return
  request.baseUrl = prefix
  request.originalUrl = prefix + request.url
}

/** The call itself, with the request as HTTP bytes. */
function inputOf(call, meta, body, { headersOf, postedTypeOf, answersValues }) {
  const {
    method,
    target,
    headers,
    prefix = '',
  } = meta.http ?? postOf(postedTypeOf?.(meta, body) ?? postedTypes[meta.input])
  const passed = headers.filter(([name]) => !perConnection.has(name.toLowerCase()))
  if (!passed.some(([name]) => name.toLowerCase() === 'host')) passed.push(['host', 'localhost'])
  if (headersOf !== undefined) passed.push(...headersOf(meta))
  if (body.length > 0 || !bodiless.has(method)) passed.push(['content-length', `${body.length}`])
  passed.push(['connection', 'close'])
  const lines = passed.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`, 'latin1')
  const Body = answersValues && meta.http === undefined ? require('./answer-value.cjs').AnswerValue : AnswerBody
  return { call, method, prefix, bytes: Buffer.concat([head, body]), Body }
}

const perConnection = new Set(['connection', 'content-length', 'expect', 'keep-alive', 'transfer-encoding', 'upgrade'])
const bodiless = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE'])

const postedTypes = { json: 'application/json', text: 'text/plain; charset=utf-8', bytes: 'application/octet-stream' }

function postOf(type) {
  return { method: 'POST', target: '/', headers: type ? [['content-type', type]] : [] }
}

function serve(server, { call, method, prefix, bytes, Body }) {
  let body
  const reader = new ResponseReader(method, (head) => (body = new Body(call, toJson(head))))
  const connection = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      take(chunk).then(() => done(), done)
    },
    final(done) {
      if (body !== undefined && reader.isComplete) body.end()
      else fail(call, new Error('the application closed the connection before its answer was complete'))
      done()
    },
  })
  async function take(chunk) {
    for (const piece of reader.read(chunk)) await body.write(piece)
    if (call.cancelled) connection.destroy()
  }
  Object.assign(connection, {
    prefix,
    remoteAddress: '127.0.0.1',
    setTimeout: () => connection,
    setNoDelay: () => connection,
    setKeepAlive: () => connection,
    ref: () => connection,
    unref: () => connection,
  })
  connection.on('error', (error) => fail(call, error))
  connection.on('close', () =>
    fail(call, new Error('the application closed the connection before its answer was complete')),
  )
  call.controller.signal.addEventListener('abort', () => connection.destroy())
  server.emit('connection', connection)
  connection.push(bytes)
}

module.exports = { bind }
