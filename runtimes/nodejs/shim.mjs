/**
 * The Node.js shim: one process that waits for a function, loads it and runs its calls, over the worker protocol of
 * runtimes/README.md. No dependencies, and nothing is imported at start that a generic worker does not need.
 *
 * Reading order: the story (connect, bind, call, answer), then http functions, output, errors, and the frames.
 */

// Not imported: the `import` of a built-in module wraps it in an ES module, and for these six that is a third of the start.
const builtin = process.getBuiltinModule
const { AsyncLocalStorage } = builtin('node:async_hooks')
const { existsSync, readdirSync, statSync, writeSync } = builtin('node:fs')
const { connect } = builtin('node:net')
const { isAbsolute, join, relative, resolve } = builtin('node:path')
const { fileURLToPath, pathToFileURL } = builtin('node:url')
const { format, inspect, types } = builtin('node:util')

// The function shares this process and may replace globals. What the shim needs on the way of a call it keeps for itself.
const { parse: parseJson, stringify: toJson } = JSON
const { max, min, round } = Math
const dateNow = Date.now
const now = performance.now.bind(performance)
const { cpuUsage, nextTick, resourceUsage } = process
const exit = process.exit.bind(process)
const promiseThen = uncurryThis(Promise.prototype.then)

const mebibyte = 1024 * 1024
const maxFrameBytes = 16 * mebibyte
const streamWindowBytes = mebibyte

// Frame types, server to worker and worker to server.
const BIND = 1
const CALL = 2
const CANCEL = 3
const CREDIT = 4
const SESSION = 5
const HELLO = 16
const BOUND = 17
const BIND_FAILED = 18
const RESULT = 19
const FAILED = 20
const LOG = 21
const HEAD = 22
const CHUNK = 23
const END = 24

/** The call that the running code belongs to. */
const currentCall = new AsyncLocalStorage()
/** Calls in flight by number. */
const calls = new Map()
/** `generic`, then `loading`, then `bound` or `broken`, and `ending` once the worker is about to exit. */
let state = 'generic'
/** The bound function: what every call needs of it. */
let fn
/** Calls that came while the code was loading, and how to go on with them. */
let early = []

let socket

/** Called at the end of this file, when all that it needs is there. */
function start() {
  socket = connectToServer()
  // Waits in the socket until it is connected, and so comes before anything else.
  send(HELLO, 0, toJson({ protocol: 1, runtime: 'nodejs', version: process.version }))
  captureOutput()
  process.on('uncaughtException', onUncaughtException)
  process.on('unhandledRejection', onUnhandledRejection)
  process.on('exit', () => {
    mayWait = true
    flush()
  })
}

// ---------------------------------------------------------------------------------------------------- connect

function connectToServer() {
  const path = process.env.TAIBAI_SOCKET
  delete process.env.TAIBAI_SOCKET
  if (!path) throw new Error('TAIBAI_SOCKET does not say where the server listens')
  // With `onread` Node reads into one buffer for ever and spares the stream machinery: a frame is decoded where it lies.
  const onread = { buffer: Buffer.allocUnsafeSlow(65536), callback: receive }
  const socket = connect({ path, onread })
  socket.on('close', () => exit(0))
  // Once connected, an error only says that the server has gone, and so does the `close` that follows.
  socket.on('error', (error) => error.syscall === 'connect' && giveUp(error.message))
  return socket
}

/** The server cannot be spoken to any more, so nothing but the container's own log is left to say why. */
function giveUp(reason) {
  process._rawDebug(`taibai shim: ${reason}`)
  exit(70)
}

function receive(byteCount, buffer) {
  const arrivedAt = now()
  try {
    decode(buffer, byteCount, arrivedAt)
  } catch (error) {
    giveUp(error.message)
  }
  return true
}

/** One whole frame. `body` lies at `from` to `to` in `buffer`, which is overwritten afterwards unless it is `owned`. */
function takeFrame(type, number, meta, buffer, from, to, owned, arrivedAt) {
  if (state === 'ending') return
  if (type === CALL) takeCall(number, readMeta(meta), buffer, from, to, owned, arrivedAt)
  else if (type === CANCEL) calls.get(number)?.cancel()
  else if (type === CREDIT) calls.get(number)?.grant(readMeta(meta).bytes)
  else if (type === BIND) bind(readMeta(meta))
  else if (type === SESSION) takeSession(readMeta(meta))
}

function readMeta(meta) {
  if (meta === '') return {}
  const value = parseJson(meta)
  if (typeof value !== 'object' || value === null) throw new Error('the meta of a frame is not a JSON object')
  return value
}

// ------------------------------------------------------------------------------------------------------- bind

async function bind(wish) {
  if (state !== 'generic') {
    const message = 'this worker has been given a function already'
    return send(BIND_FAILED, 0, toJson({ type: 'AlreadyBound', message, stack: '' }))
  }
  state = 'loading'
  const startedAt = now()
  try {
    fn = await load(wish)
    if (state === 'ending') return
    state = 'bound'
    send(BOUND, 0, `{"load_ms":${milliseconds(now() - startedAt)}}`)
  } catch (error) {
    if (state === 'ending') return
    refuse(error)
  }
  const waiting = early
  early = []
  for (const goOn of waiting) goOn()
}

function refuse(error) {
  state = 'broken'
  send(BIND_FAILED, 0, toJson(describeError(error)))
}

async function load(wish) {
  codeFolder = resolve(wish.code)
  process.chdir(codeFolder)
  for (const name of Object.keys(wish.env ?? {})) process.env[name] = wish.env[name]
  const { module, name } = splitEntry(wish.entry ?? '', wish.signature)
  const file = findModule(module)
  if (wish.signature === 'http') IncomingRequest = makeIncomingRequest()
  const exported = await importModule(file)
  return {
    invoke: invokers[wish.signature](findCallable(exported, name, file, wish.signature)),
    isHttp: wish.signature === 'http',
    id: wish.function_id,
    name: wish.function_name,
    version: wish.function_version,
    project: wish.project_id,
    memoryMib: `${Math.floor((wish.memory_bytes ?? 0) / mebibyte)}`,
    maxResultBytes: min(wish.max_result_bytes ?? Infinity, maxFrameBytes - 65536),
  }
}

/** Errors of the shim's own; a trace of them would show nothing of the function. */
class Refusal extends Error {
  stack = ''
}
class EntryNotFound extends Refusal {}

/** Splits at the last dot; for Qinling at the first, and whatever follows a second dot does not count, as it was there. */
function splitEntry(entry, signature) {
  const folderEnd = entry.lastIndexOf('/') + 1
  const dot = signature === 'qinling' ? entry.indexOf('.', folderEnd) : entry.lastIndexOf('.')
  const module = entry.slice(0, dot)
  const name = signature === 'qinling' ? entry.slice(dot + 1).split('.')[0] : entry.slice(dot + 1)
  if (dot < folderEnd || module === '' || module.endsWith('/') || name === '') {
    throw new EntryNotFound(`the entry "${entry}" is not of the form module.callable`)
  }
  return { module, name }
}

const extensions = ['.mjs', '.js', '.cjs', '.mts', '.ts', '.cts']

function findModule(module) {
  const base = resolve(codeFolder, module)
  if (isAbsolute(module) || relative(codeFolder, base).startsWith('..')) {
    throw new EntryNotFound(`the module "${module}" lies outside the package`)
  }
  const endings = ['', ...extensions, ...extensions.map((extension) => `/index${extension}`)]
  const file = endings.map((end) => base + end).find((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
  if (file) return file
  const names = extensions.map((end) => module + end).join(', ')
  throw new EntryNotFound(`the package has no module "${module}": looked for ${names}; found ${filesNear(base)}`)
}

function filesNear(path) {
  const folder = existsSync(join(path, '..')) ? join(path, '..') : codeFolder
  const names = readdirSync(folder, { withFileTypes: true })
    .map((entry) => join(relative(codeFolder, folder), entry.name) + (entry.isDirectory() ? '/' : ''))
    .sort()
  return listing(names, 'no files')
}

function listing(names, none) {
  if (names.length === 0) return none
  return names.length > 30 ? `${names.slice(0, 30).join(', ')} and ${names.length - 30} more` : names.join(', ')
}

async function importModule(file) {
  const url = pathToFileURL(file).href
  try {
    return await import(url)
  } catch (error) {
    if (error instanceof SyntaxError && !hasPlace(error)) await locateSyntaxError(error, url).catch(() => {})
    throw error
  }
}

function findCallable(exported, name, file, signature) {
  // What a CommonJS module exports in a way that static analysis does not see is found in its default export only.
  const value = exported[name] ?? exported.default?.[name] ?? (signature === 'http' ? exported.default : undefined)
  if (typeof value === 'function') return value
  if (signature === 'http' && typeof value?.fetch === 'function') return value.fetch.bind(value)
  const where = relative(codeFolder, file)
  if (value !== undefined) throw new EntryNotFound(`"${name}" of ${where} is not a function but ${inspect(value)}`)
  throw new EntryNotFound(`${where} exports no "${name}"; it exports ${listing(exportNames(exported), 'nothing')}`)
}

function exportNames(exported) {
  const names = Object.keys(exported).filter((name) => name !== 'module.exports')
  const { default: inside } = exported
  return [...new Set([...names, ...(typeof inside === 'object' ? Object.keys(inside ?? {}) : [])])]
}

/** Whether the trace begins with a place, or has a frame that is not of Node: then the error was thrown, by JSON.parse perhaps. */
function hasPlace({ stack }) {
  return /^(file:|\/)/.test(stack) || stack.split('\n').some((line) => /^\s+at (?!.*\bnode:)/.test(line))
}

/**
 * Node keeps the place of a syntax error in an ES module to itself until the process dies of it. So look again: a load hook
 * tells which file was read last, and a child process that only checks this file prints the place.
 */
async function locateSyntaxError(error, url) {
  const { registerHooks } = builtin('node:module')
  if (!registerHooks) return
  const { spawnSync } = builtin('node:child_process')
  let last = url
  const hooks = registerHooks({
    load(url, context, next) {
      last = url
      return next(url, context)
    },
  })
  await import(`${url}?located`).catch(() => {})
  hooks.deregister()
  const file = fileURLToPath(last.replace(/[?#].*$/, ''))
  const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8', timeout: 5000 })
  const place = /^(?:file:\/\/)?[^\n]*:(\d+)\n/.exec(stderr ?? '')
  if (!place) return
  const { message } = error
  error.message = `${message} (${relative(codeFolder, file)}:${place[1]})`
  error.stack = `${stderr.slice(0, stderr.indexOf('SyntaxError'))}SyntaxError: ${message}`
}

// ------------------------------------------------------------------------------------------------------- call

class Call {
  over = false
  cancelled = false
  /** Bytes of a streamed answer that may still be sent. */
  credit = streamWindowBytes
  /** Goes on with a streamed answer that waits for credit. */
  wake = undefined
  /** Where a streamed answer is read from. */
  reader = undefined
  /** Of console.group. */
  indent = ''
  /** Joins characters that were written in several buffers. */
  decoders = undefined
  controller = new AbortController()

  constructor(number, startedAt, cpuAtStart) {
    this.number = number
    this.startedAt = startedAt
    this.cpuAtStart = cpuAtStart
  }

  grant(bytes) {
    if (!(bytes > 0)) return
    this.credit += bytes
    this.wake?.()
  }

  cancel() {
    if (this.cancelled) return
    this.cancelled = true
    currentCall.run(this, () => {
      this.controller.abort()
      this.reader?.cancel().catch(() => {})
      this.wake?.()
    })
  }
}

function takeCall(number, meta, buffer, from, to, owned, arrivedAt) {
  const call = new Call(number, arrivedAt, cpuMs(arrivedAt))
  calls.set(number, call)
  if (state === 'bound') currentCall.run(call, runCall, call, meta, buffer, from, to, owned)
  else if (state === 'loading') keepForLater(call, meta, Buffer.from(buffer.subarray(from, to)))
  else fail(call, new NotBound('no function is bound to this worker'))
}

/** The time that loading takes is not the call's. */
function keepForLater(call, meta, body) {
  early.push(() => {
    call.startedAt = now()
    call.cpuAtStart = cpuMs(call.startedAt)
    if (state === 'bound') currentCall.run(call, runCall, call, meta, body, 0, body.length, true)
    else fail(call, new NotBound('the function of this worker could not be loaded'))
  })
}

class NotBound extends Refusal {}

function runCall(call, meta, buffer, from, to, owned) {
  try {
    const { isHttp, invoke } = fn
    const input = isHttp
      ? requestOf(call, meta, buffer.subarray(from, to))
      : inputOf(meta.input, buffer, from, to, owned)
    const value = invoke(input, contextOf(call, meta))
    const done = isHttp ? answerHttp : answer
    if (!isThenable(value)) return done(call, value)
    const onError = (error) => fail(call, error)
    whenSettled(value, (value) => done(call, value), onError)
  } catch (error) {
    fail(call, error)
  }
}

function isThenable(value) {
  if (typeof value !== 'object' || value === null) return false
  return types.isPromise(value) || typeof value.then === 'function'
}

/** A native promise is waited for as it is; anything else with a `then` is not trusted to call back exactly once. */
function whenSettled(thenable, onValue, onError) {
  promiseThen(types.isPromise(thenable) ? thenable : Promise.resolve(thenable), onValue, onError)
}

function inputOf(kind, buffer, from, to, owned) {
  if (kind === 'json') return parseJson(buffer.toString('utf8', from, to))
  if (kind === 'text') return buffer.toString('utf8', from, to)
  if (kind === 'bytes') return owned ? buffer.subarray(from, to) : Buffer.from(buffer.subarray(from, to))
  return null
}

/** Plain data, so that a function may copy it; the functions in it use nothing but `this`, so that a copy works too. */
function contextOf(call, meta) {
  return {
    executionId: meta.execution_id,
    functionId: fn.id,
    functionName: fn.name,
    functionVersion: fn.version,
    projectId: fn.project,
    deadlineMs: meta.deadline_ms,
    trigger: meta.trigger,
    getRemainingTimeInMillis,
    signal: call.controller.signal,
    log,
    openstack,
    // The names that AWS Lambda uses.
    awsRequestId: meta.execution_id,
    memoryLimitInMB: fn.memoryMib,
    callbackWaitsForEmptyEventLoop: true,
  }
}

function getRemainingTimeInMillis() {
  const left = this.deadlineMs - dateNow()
  return left > 0 ? left : 0
}

/** How a function of each signature is called: from the callable to `invoke(input or request, context)`. */
const invokers = {
  event: (handler) => (handler.length > 2 ? (event, context) => invokeWithCallback(handler, event, context) : handler),
  http: (handler) => handler,
  qinling: (handler) => (input, context) => handler(qinlingContext(context), qinlingInput(input)),
}

/** A Lambda callback: the handler's promise or its callback answers, whichever is first; without a promise, the callback. */
function invokeWithCallback(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, value) => (error === undefined || error === null ? resolve(value) : reject(error))
    const value = handler(event, context, callback)
    if (isThenable(value)) whenSettled(value, resolve, reject)
  })
}

/** Empty to those who look, as it was there; it is there for those who ask for it by name. */
function qinlingContext({ openstack }) {
  return openstack === null ? {} : Object.defineProperty({}, 'openstack', { value: openstack })
}

function qinlingInput(input) {
  if (input === null) return undefined
  return typeof input === 'string' ? { __function_input: input } : input
}

// -------------------------------------------------------------------------------------------------- openstack

/** What the calls of this worker act with in OpenStack; null: with nothing. One object, which the server renews. */
let openstack = null
let renew

function takeSession(session) {
  const isNone = session.token === undefined && session.problem === undefined
  openstack ??= isNone ? null : new OpenStack()
  if (openstack !== null) renew(openstack, session)
  if (isNone) openstack = null
}

/** What is in it shows in no print and no JSON: functions print and return their context. */
class OpenStack {
  #session

  static {
    renew = (openstack, session) => {
      openstack.#session = session
    }
  }

  /** For the header X-Auth-Token; good for some minutes at least, so ask for it when it is needed. */
  get token() {
    return this.#good.token
  }

  get authUrl() {
    return this.#good.auth_url
  }

  get projectId() {
    return this.#good.details.project.id
  }

  get userId() {
    return this.#good.details.user.id
  }

  /** Names of the roles. */
  get roles() {
    return this.#good.details.roles.map(({ name }) => name)
  }

  /** Keystone's catalogue: `[{type, name, endpoints: [{interface, region, url}]}]`. */
  get catalog() {
    return this.#good.catalog
  }

  /** The URL of a service, such as `object-store`, without a slash at its end. */
  endpoint(type, { interface: face = 'public', region } = {}) {
    const endpoints = this.catalog.filter((service) => service.type === type).flatMap((service) => service.endpoints)
    const isWanted = (one) => one.interface === face && (region === undefined || one.region === region)
    const found = endpoints.find(isWanted)
    if (found) return found.url.replace(/\/+$/, '')
    const where = region === undefined ? '' : ` in the region ${region}`
    throw new EndpointNotFound(`the catalogue has no ${face} endpoint of the type ${type}${where}`)
  }

  get #good() {
    if (this.#session.problem !== undefined) throw new OpenStackUnavailable(this.#session.problem)
    return this.#session
  }
}

class OpenStackUnavailable extends Error {}
class EndpointNotFound extends Error {}

// ----------------------------------------------------------------------------------------------------- answer

function answer(call, value) {
  if (call.over) return
  if (typeof value === 'string') return sendResult(call, '{"value":"text",', value)
  if (value === undefined || value === null) return sendResult(call, '{"value":"json",', 'null')
  if (types.isUint8Array(value)) return sendResult(call, '{"value":"bytes",', value)
  let text
  try {
    text = toJson(value)
  } catch (error) {
    return fail(call, new ResultNotSerializable(`the result cannot be put as JSON: ${error?.message}`))
  }
  if (text !== undefined) return sendResult(call, '{"value":"json",', text)
  fail(call, new ResultNotSerializable(`the result is ${inspect(value)}, which JSON cannot say`))
}

class ResultNotSerializable extends Refusal {}
class ResultTooLarge extends Refusal {}

function sendResult(call, metaStart, body) {
  if (isLonger(body, fn.maxResultBytes)) {
    const bytes = Buffer.byteLength(body)
    return fail(call, new ResultTooLarge(`the result has ${bytes} bytes, and at most ${fn.maxResultBytes} are allowed`))
  }
  finish(call, RESULT, metaStart, body)
}

/** Counts the bytes of a string only when its length does not tell already. */
function isLonger(body, limit) {
  if (typeof body !== 'string') return body.length > limit
  return body.length * 3 > limit && Buffer.byteLength(body) > limit
}

function fail(call, error, isLast = false) {
  if (call.over) return
  const described = toJson(describeError(error))
  finish(call, FAILED, `${described.slice(0, -1)},${isLast ? '"last":true,' : ''}`, '')
}

/** The one way a call ends: with a frame whose meta begins as given and ends with what the call used. */
function finish(call, type, metaStart, body) {
  if (call.decoders) endDecoders(call)
  const endedAt = now()
  const runMs = endedAt - call.startedAt
  const usedCpuMs = max(cpuMs(endedAt) - call.cpuAtStart, 0)
  call.over = true
  calls.delete(call.number)
  const peak = memoryPeakBytes(endedAt)
  const used = `"run_ms":${milliseconds(runMs)},"cpu_ms":${milliseconds(usedCpuMs)},"memory_peak_bytes":${peak}}`
  send(type, call.number, metaStart + used, body)
}

let cpuReadMs = 0
let cpuReadAt = -Infinity

/**
 * Processor time of the process so far. Asking the system costs a good part of a small call, so an answer serves for 0.05 ms:
 * for so short a time it is a fair guess that the process has been running ever since.
 */
function cpuMs(at) {
  if (at - cpuReadAt > 0.05) {
    const { user, system } = cpuUsage()
    cpuReadMs = (user + system) / 1000
    cpuReadAt = at
  }
  return cpuReadMs + (at - cpuReadAt)
}

let peakBytes = 0
let peakReadAt = -Infinity

/** Asked for rarely as well; a peak is no less true a millisecond later. */
function memoryPeakBytes(at) {
  if (at - peakReadAt > 1) {
    peakBytes = resourceUsage().maxRSS * 1024
    peakReadAt = at
  }
  return peakBytes
}

function milliseconds(value) {
  return round(value * 1000) / 1000
}

// ------------------------------------------------------------------------------------------------------- http

/** Answers up to this many bytes that are at hand at once go out as one frame. */
const smallAnswerBytes = 256 * 1024

/** Of an execution that did not come over HTTP: its input is posted. */
const postedTypes = { json: 'application/json', text: 'text/plain; charset=utf-8', bytes: 'application/octet-stream' }

function requestOf(call, meta, body) {
  const { method, target, headers } = meta.http ?? postOf(meta.input)
  const hasBody = body.length > 0 && method !== 'GET' && method !== 'HEAD'
  return new IncomingRequest(call, urlOf(target, headers), { method, headers, body: hasBody ? body : undefined })
}

/** Made for http functions only, because a look at `Request` makes Node load its HTTP client: 30 ms and 17 MB. */
let IncomingRequest

/**
 * A Request whose signal is that of its call. Handing the signal to the constructor instead takes a fourth of the time that a
 * small call takes in all, because a Request makes a signal of its own that follows.
 */
function makeIncomingRequest() {
  return class Request extends globalThis.Request {
    #call

    constructor(call, url, init) {
      super(url, init)
      this.#call = call
    }

    get signal() {
      return this.#call.controller.signal
    }
  }
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

function answerHttp(call, response) {
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

// ----------------------------------------------------------------------------------------------------- output

const STDOUT = ''
const STDERR = '{"stream":"stderr"}'

/** Stands for what runs outside every call. */
const outside = { number: 0, over: false, indent: '', decoders: undefined }

/** Printed text on its way into a LOG frame; prints of one call to one stream share a frame. */
let logText = ''
let logNumber = 0
let logStream = STDOUT

/** Writes at once in the millisecond that began at `windowStart`. */
let windowStart = 0
let windowWrites = 0

/** So many UTF-16 units fit the buffer of a turn in any case. */
const maxLogLength = 16384
const maxWritesPerWindow = 16

/** For `context.log`; console.* is the same with other names. */
const log = {
  debug: (...values) => printLine(STDOUT, values),
  info: (...values) => printLine(STDOUT, values),
  warn: (...values) => printLine(STDERR, values),
  error: (...values) => printLine(STDERR, values),
}

function printLine(stream, values) {
  const text = values.length === 1 && typeof values[0] === 'string' ? values[0] : format(...values)
  const { indent } = printer()
  print(stream, indent === '' ? `${text}\n` : `${indent}${text.replaceAll('\n', `\n${indent}`)}\n`)
}

function printer() {
  const call = currentCall.getStore()
  return call === undefined || call.over ? outside : call
}

function print(stream, text) {
  if (text === '') return
  const { number } = printer()
  if (logText !== '' && (number !== logNumber || stream !== logStream)) sendLog()
  logNumber = number
  logStream = stream
  logText += text
  mayWait = true
  if (logText.length > maxLogLength) sendLog()
  if (mayWriteAtOnce()) flush()
  else flushSoon()
  mayWait = false
}

/**
 * What a function printed before it hangs or is killed must be seen, so a print is written at once; but a function that prints
 * a lot would spend its time in system calls, so from the 17th of a millisecond on prints wait for the end of the turn.
 */
function mayWriteAtOnce() {
  const time = now()
  if (time - windowStart > 1) {
    windowStart = time
    windowWrites = 0
  }
  return windowWrites++ < maxWritesPerWindow
}

function sendLog() {
  const text = logText
  logText = ''
  for (let from = 0; from < text.length; ) {
    const to = wholeCharacters(text, from + maxLogLength)
    sendFrame(LOG, logNumber, logStream, text.slice(from, to))
    from = to
  }
}

/** Moves the end of a slice so that it does not fall into the middle of a surrogate pair. */
function wholeCharacters(text, to) {
  const last = text.charCodeAt(to - 1)
  return last >= 0xd800 && last < 0xdc00 ? to - 1 : to
}

function captureOutput() {
  console.log = console.info = console.debug = log.info
  console.warn = console.error = log.warn
  console.group = console.groupCollapsed = (...values) => {
    if (values.length > 0) printLine(STDOUT, values)
    printer().indent += '  '
  }
  console.groupEnd = () => {
    const owner = printer()
    owner.indent = owner.indent.slice(2)
  }
  replaceStream('stdout', 1, STDOUT)
  replaceStream('stderr', 2, STDERR)
  // Warnings of Node itself would go to the container's log, where no user finds them.
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (warning.code !== 'MODULE_TYPELESS_PACKAGE_JSON') print(STDERR, `${warning.stack ?? warning}\n`)
  })
}

/** Puts a stream of ours in the place of process.stdout or process.stderr, made when somebody first looks at it. */
function replaceStream(name, fd, stream) {
  let replacement
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get: () => (replacement ??= openStream(fd, stream)),
  })
}

function openStream(fd, stream) {
  const { Writable } = builtin('node:stream')
  const writable = new Writable({
    decodeStrings: false,
    write(chunk, encoding, callback) {
      print(stream, typeof chunk === 'string' ? textOf(chunk, encoding) : decoderFor(printer(), stream).write(chunk))
      callback()
    },
  })
  // The standard streams of Node cannot be closed either.
  const destroy = () => writable
  const end = (...values) => {
    const callback = values.find((value) => typeof value === 'function')
    if (callback) nextTick(callback)
    if (typeof values[0] !== 'function' && values[0] !== undefined && values[0] !== null) writable.write(values[0])
    return writable
  }
  return Object.assign(writable, { fd, end, destroy, isTTY: false, _isStdio: true })
}

function textOf(text, encoding) {
  return encoding === 'hex' || encoding === 'base64' || encoding === 'base64url'
    ? Buffer.from(text, encoding).toString()
    : text
}

function decoderFor(owner, stream) {
  const { StringDecoder } = builtin('node:string_decoder')
  owner.decoders ??= {}
  owner.decoders[stream] ??= new StringDecoder('utf8')
  return owner.decoders[stream]
}

function endDecoders(call) {
  for (const stream of Object.keys(call.decoders)) {
    const rest = call.decoders[stream].end()
    if (rest !== '') currentCall.run(call, print, stream, rest)
  }
}

// ----------------------------------------------------------------------------------------------------- errors

const shimUrl = import.meta.url
const maxErrorLength = 65536
let codeFolder = ''

function describeError(error) {
  try {
    if (!isError(error)) return { type: nameOfType(error), message: cut(textOfThrown(error)), stack: '' }
    return { type: nameOfError(error), message: cut(String(error.message)), stack: cut(stackOf(error, 0)) }
  } catch {
    return { type: 'Error', message: 'what was thrown cannot be read', stack: '' }
  }
}

function isError(value) {
  return types.isNativeError(value) || value instanceof Error
}

/** The class, unless the error says otherwise itself. */
function nameOfError(error) {
  const own = Object.hasOwn(error, 'name') && typeof error.name === 'string' ? error.name : ''
  return own || error.constructor?.name || 'Error'
}

function nameOfType(value) {
  return (typeof value === 'object' && value?.constructor?.name) || typeof value
}

function textOfThrown(value) {
  return typeof value === 'string' ? value : inspect(value)
}

/** The trace without the frames of the shim and of Node's loader, with paths as they are in the package. */
function stackOf(error, depth) {
  if (typeof error.stack !== 'string') return ''
  const lines = error.stack.split('\n').filter((line) => !isOwnFrame(line))
  const stack = lines.join('\n').replaceAll(`file://${codeFolder}/`, '').replaceAll(`${codeFolder}/`, '')
  const { cause } = error
  if (cause === undefined || depth === 4) return stack
  return `${stack}\nCaused by: ${isError(cause) ? stackOf(cause, depth + 1) : textOfThrown(cause)}`
}

function isOwnFrame(line) {
  return /^\s+at /.test(line) && (line.includes(shimUrl) || line.includes('node:internal/'))
}

function cut(text) {
  return text.length > maxErrorLength ? `${text.slice(0, maxErrorLength)}…` : text
}

/**
 * After an exception that nobody caught the state of the process is unknown: it fails what is in flight, because that ends with
 * the worker, and the worker exits. A function that listens for such exceptions itself is left to it.
 */
function onUncaughtException(error) {
  if (process.listenerCount('uncaughtException') > 1) return
  endWith(error)
}

/**
 * A rejection that nobody handled leaves the process as sound as an exception that was caught, so it fails the call that it
 * belongs to, and is printed when that is over. One that belongs to no call has nobody to tell, and ends the worker.
 */
function onUnhandledRejection(reason) {
  if (process.listenerCount('unhandledRejection') > 1) return
  const call = currentCall.getStore()
  if (call === undefined) endWith(reason)
  else if (call.over) print(STDERR, `Unhandled rejection of a call that was over: ${lastWords(reason)}\n`)
  else fail(call, reason)
}

function endWith(error) {
  if (state === 'ending') return
  if (state === 'loading') refuse(error)
  state = 'ending'
  if (calls.size === 0) print(STDERR, `${lastWords(error)}\n`)
  for (const call of calls.values()) fail(call, error, true)
  flush()
  socket.end(() => exit(1))
}

function lastWords(error) {
  const { type, message, stack } = describeError(error)
  return stack || `${type}: ${message}`
}

// ----------------------------------------------------------------------------------------------------- frames

const lengthBytes = 4
const headBytes = 13

/** A frame, or the beginning of its length, that came only in part; and how much of it is there. */
let partial
let partialBytes = 0

/** Takes all the frames that are complete; a rest is kept for the next time. */
function decode(buffer, byteCount, arrivedAt) {
  let at = 0
  while (partial !== undefined && at < byteCount) at += completePartial(buffer, at, byteCount, arrivedAt)
  while (byteCount - at >= lengthBytes) {
    const total = lengthBytes + frameLength(buffer, at)
    if (byteCount - at < total) break
    decodeFrame(buffer, at, total, false, arrivedAt)
    at += total
  }
  if (at < byteCount) keepPartial(buffer, at, byteCount)
}

function decodeFrame(buffer, at, total, owned, arrivedAt) {
  const metaBytes = buffer.readUInt32BE(at + 9)
  if (metaBytes > total - headBytes) throw new Error('the meta of a frame is longer than the frame')
  const body = at + headBytes + metaBytes
  const meta = metaBytes === 0 ? '' : buffer.toString('utf8', at + headBytes, body)
  takeFrame(buffer[at + 4], buffer.readUInt32BE(at + 5), meta, buffer, body, at + total, owned, arrivedAt)
}

function frameLength(buffer, at) {
  const length = buffer.readUInt32BE(at)
  if (length < headBytes - lengthBytes) throw new Error(`a frame of ${length} bytes is too short`)
  if (length > maxFrameBytes) throw new Error(`a frame of ${length} bytes is longer than ${maxFrameBytes}`)
  return length
}

function keepPartial(buffer, from, to) {
  const isLengthThere = to - from >= lengthBytes
  partial = Buffer.allocUnsafeSlow(isLengthThere ? lengthBytes + frameLength(buffer, from) : lengthBytes)
  partialBytes = buffer.copy(partial, 0, from, to)
}

/** Adds to the frame that is kept, and takes it when it is whole. Returns how many bytes it used. */
function completePartial(buffer, at, byteCount, arrivedAt) {
  const used = buffer.copy(partial, partialBytes, at, byteCount)
  partialBytes += used
  if (partialBytes < partial.length) return used
  if (partial.length === lengthBytes) {
    const start = partial
    partial = Buffer.allocUnsafeSlow(lengthBytes + frameLength(start, 0))
    start.copy(partial)
    return used
  }
  const whole = partial
  partial = undefined
  decodeFrame(whole, 0, whole.length, true, arrivedAt)
  return used
}

const outBytes = 65536
/** Frames of this turn of the event loop; they leave in one system call. */
let out = Buffer.allocUnsafeSlow(outBytes)
let outLength = 0
let isFlushAsked = false

/** `body` is a string or bytes. What was printed before goes out before. */
function send(type, number, meta, body = '') {
  if (logText !== '') sendLog()
  sendFrame(type, number, meta, body)
  flushSoon()
}

function sendFrame(type, number, meta, body) {
  // A UTF-16 unit takes three bytes of UTF-8 at most.
  const room = headBytes + meta.length * 3 + (typeof body === 'string' ? body.length * 3 : body.length)
  if (room > outBytes - outLength) {
    writeOut()
    if (room > outBytes) return sendLargeFrame(type, number, meta, body)
  }
  const metaAt = outLength + headBytes
  const bodyAt = metaAt + out.write(meta, metaAt)
  const end = bodyAt + (typeof body === 'string' ? out.write(body, bodyAt) : copyInto(out, bodyAt, body))
  writeHead(out, outLength, end - outLength - lengthBytes, type, number, bodyAt - metaAt)
  outLength = end
}

function copyInto(buffer, at, bytes) {
  buffer.set(bytes, at)
  return bytes.length
}

function writeHead(buffer, at, length, type, number, metaBytes) {
  buffer.writeUInt32BE(length, at)
  buffer[at + 4] = type
  buffer.writeUInt32BE(number, at + 5)
  buffer.writeUInt32BE(metaBytes, at + 9)
}

function sendLargeFrame(type, number, meta, body) {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const metaBytes = Buffer.byteLength(meta)
  const head = Buffer.allocUnsafe(headBytes + metaBytes)
  head.write(meta, headBytes)
  writeHead(head, 0, head.length + bytes.length - lengthBytes, type, number, metaBytes)
  socket.cork()
  socket.write(head)
  socket.write(bytes)
  socket.uncork()
}

/** A tick comes after the promises that are settled now have been served, so all their frames go together. */
function flushSoon() {
  if (isFlushAsked) return
  isFlushAsked = true
  nextTick(flushNow)
}

function flushNow() {
  isFlushAsked = false
  flush()
}

function flush() {
  if (logText !== '') sendLog()
  writeOut()
}

/** The system usually takes all at once. What it does not take waits in the socket, and the buffer with it. */
function writeOut() {
  if (outLength === 0) return
  const written = writeNow(out, outLength)
  if (written < outLength) {
    socket.write(out.subarray(written, outLength))
    out = Buffer.allocUnsafeSlow(outBytes)
  }
  outLength = 0
}

/**
 * Whether a write waits until the server has read: for prints, so that a function that prints without end does not fill its
 * memory, and for the last words of a process. Node writes to pipes in the same way, for the same reasons.
 */
let mayWait = false
const clock = new Int32Array(new SharedArrayBuffer(4))

/** Writes past the socket's own queue while that is empty. Returns how much was written. */
function writeNow(bytes, length) {
  let at = 0
  while (at < length && socket.writableLength === 0 && !socket.connecting) {
    try {
      at += writeSync(socket._handle.fd, bytes, at, length - at)
    } catch (error) {
      // Any other error means that the connection is gone, and the socket will say so.
      if (error.code !== 'EAGAIN') return length
      if (!mayWait) return at
      Atomics.wait(clock, 0, 0, 0.05)
    }
  }
  return at
}

function uncurryThis(method) {
  return (self, ...args) => Reflect.apply(method, self, args)
}

start()
