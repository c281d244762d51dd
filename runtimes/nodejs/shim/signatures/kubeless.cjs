/** Kubeless: `f(event, context)`, whose field names have dashes; Express's request is in `event.extensions`. */

const { isThenable } = require('../builtins.cjs')
const { importCode, EntryNotFound, exportNames, findModule } = require('../load.cjs')
const { suppliedBy, supply } = require('../platform.cjs')
const application = require('../web/application.cjs')

/** Handler `module.function`: an export of that name, or a module that is a function itself. */
async function load(wish) {
  supply('express4')
  const dot = wish.entry.lastIndexOf('.')
  const [module, name] = [wish.entry.slice(0, dot), wish.entry.slice(dot + 1)]
  if (dot < 1 || name === '')
    throw new EntryNotFound('form', `the handler "${wish.entry}" is not of the form module.function`)
  surroundings(wish, module, name)
  const exported = await importCode(findModule(module))
  const own = exported.default ?? exported
  const found = exported[name] ?? own?.[name] ?? own
  if (typeof found === 'function') return found
  const names = exportNames(exported).join(', ') || 'nothing'
  throw new EntryNotFound('export', `Unable to load ${wish.entry}: ${module} exports ${names}`)
}

function surroundings(wish, module, name) {
  const given = {
    MOD_NAME: module,
    FUNC_HANDLER: name,
    FUNC_TIMEOUT: `${Math.ceil((wish.timeout_ms ?? 180_000) / 1000)}`,
    FUNC_RUNTIME: `nodejs${process.versions.node.split('.')[0]}`,
    FUNC_MEMORY_LIMIT: `${Math.floor((wish.memory_bytes ?? 0) / 1048576)}Mi`,
    FUNC_PORT: '8080',
    KUBELESS_INSTALL_VOLUME: wish.code,
  }
  for (const [key, value] of Object.entries(given)) process.env[key] ??= value
}

function bind(fn) {
  const express = suppliedBy('express4', 'express')
  const limit = `${process.env.REQ_MB_LIMIT ?? 1}mb`
  const app = express()
  app.use(express.raw({ type: (request) => !/^multipart\//.test(request.headers['content-type'] ?? ''), limit }))
  const context = {
    'function-name': process.env.FUNC_HANDLER,
    timeout: Number(process.env.FUNC_TIMEOUT),
    runtime: process.env.FUNC_RUNTIME,
    'memory-limit': process.env.FUNC_MEMORY_LIMIT,
  }
  app.all('*', (request, response) => {
    response.header('Access-Control-Allow-Origin', '*')
    if (request.method === 'OPTIONS') return allowed(request, response)
    call(fn, eventOf(request, response), context, response)
  })
  return application.bind(app, { headersOf: eventHeaders, answersValues: true })
}

function allowed(request, response) {
  response.header('Access-Control-Allow-Methods', request.headers['access-control-request-method'])
  response.header('Access-Control-Allow-Headers', request.headers['access-control-request-headers'])
  response.end()
}

function eventOf(request, response) {
  const { 'event-id': id, 'event-type': type, 'event-time': time, 'event-namespace': namespace } = request.headers
  return {
    'event-type': type,
    'event-id': id,
    'event-time': time,
    'event-namespace': namespace,
    data: dataOf(request),
    extensions: { request, response },
  }
}

/** A JSON body becomes a value, other types are text; an absent body is an empty object, as in Express. */
function dataOf(request) {
  const { body } = request
  if (!Buffer.isBuffer(body)) return body ?? {}
  const text = body.toString()
  return request.is('json') || request.is('+json') ? JSON.parse(text) : text
}

/** The event headers of Kubeless's triggers. */
function eventHeaders({ execution_id: id, trigger, input, http }) {
  const namespace = namespaces[trigger]
  if (http !== undefined || namespace === undefined) return []
  const time = new Date().toISOString()
  const isJson = input === 'json' || input === 'none'
  return [
    ['event-id', id],
    ['event-time', `${time.slice(0, 10)} ${time.slice(11, 19)}+00:00`],
    [
      'event-type',
      trigger === 'event' ? 'object.created' : isJson ? 'application/json' : 'application/x-www-form-urlencoded',
    ],
    ['event-namespace', namespace],
  ]
}

const namespaces = { job: 'cronjobtrigger.kubeless.io', event: 'taibai.objects' }

async function call(fn, event, context, response) {
  try {
    const returned = fn(event, context)
    const value = isThenable(returned) ? await returned : returned
    if (response.headersSent || response.writableEnded) return
    if (typeof value === 'object' && !Buffer.isBuffer(value)) response.json(value)
    else response.end(textOf(value))
  } catch (error) {
    console.error(error)
    if (!response.headersSent) response.status(500).send('Internal Server Error')
  }
}

function textOf(value) {
  if (value === undefined || typeof value === 'string' || Buffer.isBuffer(value)) return value
  return JSON.stringify(value)
}

module.exports = { bind, load }
