/** Custom handlers: a program of the package, in any language, that is called over HTTP on the loopback address. */

const { builtin, exit, parseJson, toJson } = require('../builtins.cjs')
const { Refusal } = require('../errors.cjs')
const { existsSync } = builtin('node:fs')
const { request } = builtin('node:http')
const { connect, createServer } = builtin('node:net')
const { resolve } = builtin('node:path')

class InvalidHandler extends Refusal {}

const lookAgainMs = 20

/** Starts the program that host.json names, and waits until it listens. */
async function startHandler(code, { customHandler }) {
  const {
    defaultExecutablePath: program,
    workingDirectory = '',
    arguments: args = [],
  } = customHandler.description ?? {}
  if (!program) throw new InvalidHandler('host.json: customHandler.description.defaultExecutablePath names no program.')
  const cwd = resolve(code, workingDirectory)
  const port = await freePort()
  const own = resolve(cwd, program)
  const env = { ...process.env, FUNCTIONS_CUSTOMHANDLER_PORT: `${port}`, FUNCTIONS_HTTPWORKER_PORT: `${port}` }
  const child = builtin('node:child_process').spawn(existsSync(own) ? own : program, args, {
    cwd,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  process.on('exit', () => child.kill('SIGKILL'))
  await listening(child, program, port)
  // Without the program this worker cannot take calls.
  child.on('exit', (status) => setTimeout(() => exit(status ?? 1), lookAgainMs))
  return { port, isForwarding: customHandler.enableForwardingHttpRequest === true }
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
}

function listening(child, program, port) {
  return new Promise((done, refuse) => {
    let isOver = false
    const end = (problem) => {
      if (isOver) return
      isOver = true
      if (problem === undefined) done()
      else refuse(new InvalidHandler(problem))
    }
    child.on('error', (error) => end(`The custom handler "${program}" cannot be started: ${error.message}`))
    child.on('exit', (status) =>
      end(`The custom handler "${program}" ended with ${status} before it listened on its port.`),
    )
    const look = () => {
      if (isOver) return
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        end()
      })
      socket.on('error', () => setTimeout(look, lookAgainMs))
    }
    look()
  })
}

/** The program's response, `{status, headers, body}`. */
function ask({ port }, method, path, headers, body) {
  return new Promise((done, fail) => {
    const asked = request(
      { host: '127.0.0.1', port, method, path, headers: { ...headers, 'content-length': body.length } },
      (response) => {
        const pieces = []
        response.on('data', (piece) => pieces.push(piece))
        response.on('error', fail)
        response.on('end', () =>
          done({ status: response.statusCode, headers: response.rawHeaders, body: Buffer.concat(pieces) }),
        )
      },
    )
    asked.on('error', fail)
    asked.end(body)
  })
}

const isForwarded = ({ isForwarding }, { bindings }) =>
  isForwarding && bindings.every(({ type }) => /^http(trigger)?$/i.test(type))

const perConnection = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade'])

/** Forwards the original request at its original path; the response is passed through. */
async function forward(handler, { method, target, headers }, body, id) {
  const passed = {}
  for (const [name, value] of headers)
    if (!perConnection.has(name)) passed[name] = name in passed ? `${passed[name]}, ${value}` : value
  const answer = await ask(handler, method, target, { ...passed, 'x-azure-functions-invocationid': id }, body)
  const pairs = []
  for (let at = 0; at < answer.headers.length; at += 2) {
    const name = answer.headers[at].toLowerCase()
    if (!perConnection.has(name)) pairs.push([name, answer.headers[at + 1]])
  }
  return { status: answer.status, headers: pairs, body: answer.body }
}

/** An invocation: the program's response in the form that Azure's library would return. */
async function invokeHandler(handler, fn, id, value, metadata) {
  const now = new Date().toISOString()
  const sys = { MethodName: fn.name, UtcNow: now, RandGuid: id }
  const body = Buffer.from(toJson({ Data: { [fn.trigger.name]: value }, Metadata: { ...metadata, sys } }))
  const headers = {
    'content-type': 'application/json',
    'x-azure-functions-invocationid': id,
    'x-azure-functions-hostversion': '4.1037.0.0',
  }
  const answer = await ask(handler, 'POST', `/${fn.name}`, headers, body)
  const text = answer.body.toString()
  if (answer.status !== 200)
    throw new InvalidHandler(`The custom handler answered ${answer.status}${text === '' ? '' : `: ${text}`}`)
  const { Outputs = {}, Logs, ReturnValue = null } = text === '' ? {} : parseJson(text)
  for (const line of Logs ?? []) console.log(line)
  const outputData = Object.entries(Outputs ?? {}).map(([name, one]) => ({ name, data: dataOf(fn, name, one) }))
  return { returnValue: dataOf(fn, '$return', ReturnValue), outputData }
}

function dataOf({ bindings }, name, value) {
  const isHttp = bindings.some((one) => one.name === name && one.type === 'http')
  if (!isHttp || value === null) return { json: toJson(value ?? null) }
  const { statusCode, status, headers, body = '' } = typeof value === 'object' ? value : { body: value }
  const text = typeof body === 'string' ? body : toJson(body)
  return { http: { statusCode: `${statusCode ?? status ?? 200}`, headers, body: { bytes: Buffer.from(text) } } }
}

/** The trigger's data of a function as a JSON value. */
function triggerValue({ http, json, string, bytes }) {
  if (json !== undefined) return parseJson(json)
  if (string !== undefined) return jsonIn(string)
  if (bytes !== undefined) return toJson(bytes.toString('base64'))
  const { method, url, headers, query, params, body } = http
  const lists = Object.fromEntries(Object.entries(headers).map(([name, one]) => [name, [one]]))
  const text = body === undefined ? '' : Buffer.from(body.bytes).toString()
  return { Url: url, Method: method, Query: query, Headers: lists, Params: params, ...(text !== '' && { Body: text }) }
}

/** The value of a text that is JSON; other texts are sent as JSON strings. */
function jsonIn(text) {
  try {
    return parseJson(text)
  } catch {
    return toJson(text)
  }
}

module.exports = { forward, invokeHandler, isForwarded, startHandler, triggerValue }
