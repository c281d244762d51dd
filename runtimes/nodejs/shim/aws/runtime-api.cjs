/** The Runtime API of AWS Lambda, from which a program fetches events and to which it posts responses. One call at a time. */

const { answerHttp, fail, finish } = require('../answer.cjs')
const { builtin, parseJson, toJson } = require('../builtins.cjs')
const { Refusal } = require('../errors.cjs')
const { frameTypes } = require('../wire.cjs')
const { traceOf } = require('./environment.cjs')
const { answerRequest, eventOf, headOf } = require('./function-url.cjs')
const { RESULT } = frameTypes

const version = '/2018-06-01/runtime/'
const errorTypeHeader = 'lambda-runtime-function-error-type'
const errorBodyHeader = 'lambda-runtime-function-error-body'
const httpType = 'application/vnd.awslambda.http-integration-response'
const preludeEnd = Buffer.alloc(8)
/** Limit of the head of a streamed response, and of a failure's description. */
const longestWords = 1024 * 1024

class ProgramError extends Error {}

class RuntimeApi {
  /** Resolves when the program requests its first event. */
  ready
  /** The function's BIND data, shared by all calls; a program may send a request before it is known. */
  #wish = {}
  #fixed = {}
  #settle
  #isSettled = false
  /** Calls that the program has not fetched yet. */
  #queue = []
  /** The pending response to the program's request for the next event. */
  #asking
  /** Calls that the program is processing, by execution id. */
  #taken = new Map()

  constructor() {
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.ready.catch(() => {})
  }

  /** Resolves with the port, which is reachable from inside the sandbox only. Port 0: any free port. */
  async listen(port) {
    const { createServer } = builtin('node:http')
    const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 }, (request, response) => {
      this.#take(request, response).catch((error) => say(response, 400, 'InvalidRequest', error.message))
    })
    await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
    server.unref()
    return server.address().port
  }

  serve(wish, fixed) {
    this.#wish = wish
    this.#fixed = fixed
    return this
  }

  /** The program cannot serve. False: it already does. */
  refuse(error) {
    if (this.#isSettled) return false
    this.#isSettled = true
    this.#settle.reject(error)
    return true
  }

  take(call, meta, body) {
    const event = meta.http === undefined ? inputOf(meta, body) : Buffer.from(toJson(eventOf(meta, this.#fixed, body)))
    this.#queue.push({ call, meta, event })
    this.#handOut()
  }

  async #take(request, response) {
    const { method, url } = request
    const [, kind, id, what] = /^\/2018-06-01\/runtime\/(invocation|init|restore)\/([^/]+)(?:\/(\w+))?$/.exec(url) ?? []
    if (method === 'GET' && kind === 'invocation' && id === 'next') return this.#next(response)
    if (method === 'POST' && kind === 'init' && id === 'error') return this.#initError(request, response)
    if (method === 'POST' && kind === 'invocation' && what === 'response') return this.#response(id, request, response)
    if (method === 'POST' && kind === 'invocation' && what === 'error') return this.#error(id, request, response)
    if (url.startsWith('/2022-07-01/telemetry')) return say(response, 202, 'Telemetry.NotSupported', 'not supported')
    say(response, 404, 'NotFound', `there is nothing at ${method} ${url.startsWith(version) ? url : url.slice(0, 80)}`)
  }

  #next(response) {
    this.#asking = response
    response.on('close', () => {
      if (this.#asking === response) this.#asking = undefined
    })
    if (!this.#isSettled) {
      this.#isSettled = true
      this.#settle.resolve()
    }
    this.#handOut()
  }

  #handOut() {
    const response = this.#asking
    const next = response === undefined ? undefined : this.#queue.shift()
    if (next === undefined) return
    this.#asking = undefined
    const { meta, event } = next
    const id = meta.execution_id
    this.#taken.set(id, next)
    const context =
      meta.client?.context === undefined ? {} : { 'Lambda-Runtime-Client-Context': toJson(meta.client.context) }
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': event.length,
      'Lambda-Runtime-Aws-Request-Id': id,
      'Lambda-Runtime-Deadline-Ms': `${meta.deadline_ms}`,
      'Lambda-Runtime-Invoked-Function-Arn': meta.client?.arn ?? this.#fixed.arn,
      'Lambda-Runtime-Trace-Id': traceOf(id),
      ...context,
    })
    response.end(event)
  }

  async #initError(request, response) {
    const { body } = await bodyOf(request, longestWords)
    const error = errorOf(body, request.headers[errorTypeHeader])
    this.refuse(error)
    say(response, 202)
  }

  async #error(id, request, response) {
    const { body } = await bodyOf(request, longestWords)
    const error = errorOf(body, request.headers[errorTypeHeader])
    const taken = this.#ended(id, response)
    if (taken === undefined) return
    fail(taken.call, error)
    say(response, 202)
  }

  async #response(id, request, response) {
    if (request.headers['lambda-runtime-function-response-mode'] === 'streaming') {
      return this.#streamed(id, request, response)
    }
    const { maxResultBytes } = this.#wish
    const { body, length } = await bodyOf(request, maxResultBytes)
    const taken = this.#ended(id, response)
    if (taken === undefined) return
    const { call, meta } = taken
    if (length > maxResultBytes) {
      fail(call, new Refusal(`the result has ${length} bytes, and at most ${maxResultBytes} are allowed`))
      return say(response, 413, 'RequestEntityTooLarge', 'the answer is too long')
    }
    this.#answer(call, meta, body)
    say(response, 202)
  }

  #answer(call, meta, body) {
    if (call.over) return
    const value = parsed(body)
    if (meta.http !== undefined) {
      if (value !== undefined) return answerRequest(call, value, this.#wish)
      const head = toJson({ status: 200, headers: [['content-type', 'application/octet-stream']] })
      return answerHttp(call, head, body, this.#wish)
    }
    finish(
      call,
      RESULT,
      value === undefined ? '{"value":"bytes",' : '{"value":"json",',
      body.length === 0 ? 'null' : body,
    )
  }

  async #streamed(id, request, response) {
    const taken = this.#ended(id, response)
    if (taken === undefined) return
    const { call, meta } = taken
    const { AnswerBody } = require('../web/answer-body.cjs')
    const type = request.headers['content-type'] ?? 'application/octet-stream'
    let held = meta.http !== undefined && type === httpType ? Buffer.alloc(0) : undefined
    let body
    const begin = (head) => {
      body = new AnswerBody(call, toJson(head))
    }
    if (held === undefined) begin({ status: 200, headers: [['content-type', type]] })
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      if (call.over) break
      if (held === undefined) {
        await body.write(chunk)
        continue
      }
      held = Buffer.concat([held, chunk])
      const at = held.indexOf(preludeEnd)
      if (at === -1 && held.length > longestWords) break
      if (at === -1) continue
      begin(headOf({ statusCode: 200, ...parseJson(held.toString('utf8', 0, at)) }))
      const rest = held.subarray(at + preludeEnd.length)
      held = undefined
      if (rest.length > 0) await body.write(rest)
    }
    request.resume() // the program sends the rest anyway
    const failure = request.trailers[errorTypeHeader]
    if (failure !== undefined)
      fail(call, errorOf(Buffer.from(request.trailers[errorBodyHeader] ?? '', 'base64'), failure))
    else if (body === undefined)
      fail(call, new ProgramError(`the head of the answer does not end within ${longestWords} bytes`))
    else body.end()
    say(response, 202)
  }

  /** The call with that id, which the program has now answered. */
  #ended(id, response) {
    const taken = this.#taken.get(id)
    this.#taken.delete(id)
    if (taken === undefined) say(response, 400, 'InvalidRequestID', 'there is no call of that id, or it was answered')
    return taken
  }
}

/** The input as JSON. */
function inputOf({ input }, body) {
  if (input === 'json') return body
  if (input === 'none') return Buffer.from('{}')
  return Buffer.from(toJson(body.toString(input === 'text' ? 'utf8' : 'base64')))
}

function parsed(body) {
  if (body.length === 0) return null
  try {
    return parseJson(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** A program's failure, `{errorType, errorMessage, stackTrace | trace}`, as far as present. */
function errorOf(body, header) {
  const said = parsed(body) ?? {}
  const { errorMessage, errorType, stackTrace, trace } = typeof said === 'object' ? said : { errorMessage: `${said}` }
  const error = new ProgramError(typeof errorMessage === 'string' ? errorMessage : '')
  const lines = [stackTrace, trace].find(Array.isArray) ?? []
  const stack = lines.map((line) => (typeof line === 'string' ? line.replace(/\n$/, '') : toJson(line))).join('\n')
  return Object.assign(error, { name: errorType ?? header ?? 'Runtime.Unknown', stack })
}

/** `length` is the number of received bytes; a body beyond the limit is not kept. */
async function bodyOf(request, mostBytes) {
  let chunks = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > mostBytes) chunks = []
    else chunks.push(chunk)
  }
  return { body: Buffer.concat(chunks), length }
}

function say(response, status, errorType, errorMessage) {
  if (response.headersSent) return
  const body = toJson(errorType === undefined ? { status: 'OK' } : { errorType, errorMessage })
  response
    .writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
    .end(body)
}

/** For a program in another container that shares this one's network: the server listens before the program starts. */
let ahead

async function listenAhead(port) {
  ahead = new RuntimeApi()
  await ahead.listen(port)
}

module.exports = { RuntimeApi, listenAhead, listeningAhead: () => ahead }
