/**
 * Azure Functions: an app with functions, called by route, by schedule, or by name. The package's library, or the platform's,
 * does the work.
 */

const { answer, answerHttp, fail } = require('../answer.cjs')
const { builtin, parseJson, toJson } = require('../builtins.cjs')
const { Refusal } = require('../errors.cjs')
const { supply } = require('../platform.cjs')
const { listed, loadApp, readJson } = require('../azure/app.cjs')
const { invoke, offer, start } = require('../azure/core.cjs')
const { deliveryIn, isEventGrid } = require('../azure/event-grid.cjs')
const { httpData, inputData, plainOutput, responseOf } = require('../azure/data.cjs')
const { outputsText } = require('../azure/outputs.cjs')
const { existsSync } = builtin('node:fs')
const { join } = builtin('node:path')

class NoSuchFunction extends Refusal {}

async function load(wish) {
  surroundings(wish)
  offer()
  supply('azure')
  const app = await loadApp(wish.code)
  return { ...app, httpUri: await start() }
}

/** Settings of the app, then of local.settings.json, then of the platform. */
function surroundings(wish) {
  const settings = join(wish.code, 'local.settings.json')
  const { IsEncrypted, Values = {} } = existsSync(settings) ? readJson(settings, 'local.settings.json') : {}
  const name = wish.function_name ?? wish.function_id
  const given = {
    ...(IsEncrypted === true ? {} : Values),
    FUNCTIONS_WORKER_RUNTIME: 'node',
    FUNCTIONS_EXTENSION_VERSION: '~4',
    AZURE_FUNCTIONS_ENVIRONMENT: 'Production',
    WEBSITE_SITE_NAME: name,
    WEBSITE_HOSTNAME: 'localhost',
    WEBSITE_INSTANCE_ID: wish.function_id,
    AzureWebJobsScriptRoot: wish.code,
  }
  for (const [key, value] of Object.entries(given)) process.env[key] ??= `${value}`
}

function bind(app) {
  return {
    described: { functions: listed(app) },
    inputOf: (call, meta, buffer, from, to) => ({ call, meta, body: Buffer.from(buffer.subarray(from, to)) }),
    contextOf: () => undefined,
    invoke: (asked, _context) => (asked.meta.http === undefined ? byName(app, asked) : byRoute(app, asked)),
    answer: (call, { outputs, settle }, fn) => {
      if (outputs) call.meta = `"outputs":${outputs},`
      settle(call, fn)
    },
  }
}

async function byRoute(app, asked) {
  const { meta, body } = asked
  const found = routed(app, meta) ?? (meta.trigger === 'webhook' ? onlyHttp(app) : undefined)
  const delivery = isEventGrid(meta) || found === undefined ? deliveryIn(app, meta, body) : undefined
  if (delivery !== undefined) return await delivered(app, asked, delivery)
  if (found === undefined)
    return { settle: (call, fn) => answerHttp(call, toJson({ status: 404, headers: [] }), '', fn) }
  const { fn, params } = found
  if (!mayCall(fn, meta))
    return { settle: (call, fn) => answerHttp(call, toJson({ status: 401, headers: [] }), '', fn) }
  try {
    const { handler } = app
    if (handler !== undefined && customHandler().isForwarded(handler, fn)) return await forwarded(handler, meta, body)
    const data = { http: httpData(meta.http, params, body) }
    if (app.httpUri !== undefined) return await streamed(app, fn, asked, data, params)
    const metadata = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, { string: value }]))
    const response = await invoked(app, fn, meta, data, metadata)
    const outputs = outputsText(fn, response)
    const { head, body: answered } = responseOf(fn, response)
    return { outputs, settle: (call, fn) => answerHttp(call, toJson(head), answered, fn) }
  } catch (error) {
    console.error(error)
    return { settle: (call, fn) => answerHttp(call, toJson({ status: 500, headers: [] }), '', fn) }
  }
}

/** Each event is an invocation. Event Grid delivers them again when one fails. */
async function delivered(app, { meta }, { fn, events, status = 202, headers = [], body = '' }) {
  const settleWith = (status) => (call, bound) => answerHttp(call, toJson({ status, headers }), body, bound)
  if (fn === undefined) return { settle: settleWith(status) }
  try {
    const responses = []
    for (const event of events) responses.push(await invoked(app, fn, meta, { json: toJson(event) }, {}))
    const outputData = responses.flatMap(({ returnValue, outputData = [] }) => [
      ...outputData,
      { name: '$return', data: returnValue },
    ])
    return { outputs: outputsText(fn, { outputData }), settle: settleWith(202) }
  } catch (error) {
    console.error(error)
    return { settle: settleWith(500) }
  }
}

/** The answer is on its way when this resolves. */
async function streamed(app, fn, asked, data, params) {
  await require('../azure/http-stream.cjs').exchange(app.httpUri, asked, data.http, params, async (metadata) => {
    const response = await invoked(app, fn, asked.meta, data, metadata)
    return { hasResult: response.hasResult, outputs: outputsText(fn, response) }
  })
  return { settle: () => {} }
}

const customHandler = () => require('../azure/custom-handler.cjs')

async function forwarded(handler, { http, execution_id: id }, body) {
  const { status, headers, body: answered } = await customHandler().forward(handler, http, body, id)
  return { settle: (call, fn) => answerHttp(call, toJson({ status, headers }), answered, fn) }
}

/** Invokes through the app's library, or its custom handler. */
function invoked({ handler }, fn, { execution_id: id, traceparent }, data, metadata) {
  if (handler === undefined) return invoke(fn, id, [{ name: fn.trigger.name, data }], metadata, traceparent)
  const { invokeHandler, triggerValue } = customHandler()
  const plain = Object.fromEntries(
    Object.entries(metadata).map(([name, one]) => [name, one.string ?? parseJson(one.json)]),
  )
  return invokeHandler(handler, fn, id, triggerValue(data), plain)
}

/** The most literal matching route; a route with another method does not match. */
function routed({ functions }, { http: { method, target } }) {
  const path = target.split('?')[0]
  const matches = functions
    .filter(({ compiled, methods }) => compiled !== undefined && (methods.length === 0 || methods.includes(method)))
    .map((fn) => ({ fn, params: fn.compiled.match(path) }))
    .filter(({ params }) => params !== null)
  return matches.sort((a, b) => (a.fn.compiled.weight < b.fn.compiled.weight ? -1 : 1))[0]
}

function onlyHttp({ functions }) {
  const [fn, ...others] = functions.filter(({ compiled }) => compiled !== undefined)
  return fn === undefined || others.length > 0 ? undefined : { fn, params: {} }
}

/** The server checks the request's key; knowing its URL is enough to call a webhook. */
function mayCall({ level }, { http, trigger }) {
  if (level === 'anonymous' || trigger === 'webhook' || http.key === 'admin') return true
  return level === 'function' && http.key === 'function'
}

/** `{"target": "nightly", "input": …}`; an app with a single such function needs no target. */
async function byName(app, asked) {
  const { meta, body } = asked
  const text = body.toString()
  const value = meta.input === 'json' ? parseJson(text) : undefined
  const isTargeted =
    typeof value?.target === 'string' && Object.keys(value).every((key) => key === 'target' || key === 'input')
  const fn = isTargeted
    ? app.functions.find(({ name }) => name === value.target)
    : (onlyOf(app) ?? forEvent(app, value))
  if (fn === undefined) throw noSuch(app, isTargeted ? value.target : undefined)
  const given = isTargeted ? inputOf(value.input) : { kind: meta.input, text, body }
  const { data, metadata } = inputData(fn, given, meta)
  if (app.httpUri !== undefined && data.http !== undefined)
    return await streamed(app, fn, { ...asked, body: given.body }, data, {})
  const response = await invoked(app, fn, meta, data, metadata)
  return { outputs: outputsText(fn, response), settle: (call, bound) => settleByName(call, bound, fn, response) }
}

function settleByName(call, bound, fn, response) {
  const result = plainOutput(fn, response)
  if (result.status >= 500) return fail(call, new Refusal(`The answer was ${result.status}.`))
  answer(call, result.value, bound)
}

function onlyOf({ functions }) {
  const others = functions.filter(({ compiled }) => compiled === undefined)
  const all = others.length > 0 ? others : functions
  return all.length === 1 ? all[0] : undefined
}

/** The only function for events of Event Grid, for what is one. */
function forEvent({ functions }, value) {
  if (typeof value?.eventType !== 'string') return undefined
  const [fn, ...others] = functions.filter(({ trigger }) => /^eventGridTrigger$/i.test(trigger.type))
  return others.length === 0 ? fn : undefined
}

function inputOf(value) {
  if (value === undefined || value === null) return { kind: 'none', text: '', body: Buffer.alloc(0) }
  const text = typeof value === 'string' ? value : toJson(value)
  return { kind: typeof value === 'string' ? 'text' : 'json', text, body: Buffer.from(text) }
}

function noSuch({ functions }, target) {
  const names = functions.map(({ name }) => name).join(', ')
  const said = target === undefined ? 'The call names no function of the app' : `The app has no function "${target}"`
  return new NoSuchFunction(`${said}: send {"target": "name", "input": …} with one of ${names}.`)
}

module.exports = { bind, load }
