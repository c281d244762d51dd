/**
 * Fission: `f(context)` returns `{status, body, headers}`, `f(context, callback)` uses the callback; both get Express's request
 * and response in the context.
 */

const { builtin } = require('../builtins.cjs')
const { Refusal } = require('../errors.cjs')
const { importCode } = require('../load.cjs')
const { suppliedBy, supply } = require('../platform.cjs')
const application = require('../web/application.cjs')
const { existsSync, readdirSync, readFileSync, statSync } = builtin('node:fs')
const { join, relative } = builtin('node:path')
const { Readable } = builtin('node:stream')
const { inspect } = builtin('node:util')

class SpecializeFailed extends Refusal {}

async function load(wish) {
  supply('express5')
  const [name, exported] = (wish.entry ?? '').split('.')
  const file = fileOf(wish.code, name)
  const value = exportOf(await importCode(file), exported)
  if (typeof value === 'function') return value
  const where = `${relative(wish.code, file)}${exported ? `.${exported}` : ''}`
  throw new SpecializeFailed(
    `${where} is not a function but ${inspect(value)}: export one, or name it in the entry (file.export)`,
  )
}

/** An entry names a file; an empty one means the only file, `main` of package.json, or one of the usual names. */
function fileOf(code, name) {
  const files = readdirSync(code).filter((each) => ending.test(each))
  const candidates = name ? ['.js', '.mjs', '.cjs', '.ts'].map((end) => name + end) : unnamed(code, files)
  const found = [name, ...candidates].find(
    (each) => each && statSync(join(code, each), { throwIfNoEntry: false })?.isFile(),
  )
  if (found !== undefined) return join(code, found)
  const there = files.join(', ') || 'none'
  throw new SpecializeFailed(
    `the package has no file ${name ? `"${name}"` : 'that could be the function'}; its source files are: ${there}`,
  )
}

const ending = /\.([cm]?js|ts)$/

function unnamed(code, files) {
  if (files.length === 1) return files
  const manifest = join(code, 'package.json')
  const main = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).main : undefined
  return [main, 'index.js', 'index.mjs', 'index.cjs', 'main.js', files[0]]
}

/** The default export of a CommonJS module is `module.exports`; a name may also be a property of the default. */
function exportOf(exported, name) {
  if (name) return exported[name] ?? exported.default?.[name]
  return exported.default?.default ?? exported.default ?? exported
}

function bind(fn, wish) {
  const bodyLimit = process.env.BODY_PARSER_LIMIT ?? '1mb'
  const express = suppliedBy('express5', 'express')
  const app = express()
  app.use(express.urlencoded({ extended: false, limit: bodyLimit }))
  app.use(express.json({ limit: bodyLimit }))
  app.use(express.raw({ limit: bodyLimit }))
  app.use(express.text({ type: 'text/*', limit: bodyLimit }))
  app.all('/{*any}', (request, response) => call(fn, { request, response }))
  return application.bind(app, { headersOf: (meta) => routerHeaders(meta, wish), answersValues: true })
}

/** The headers that Fission's router adds. */
function routerHeaders({ execution_id: id, http }, wish) {
  const headers = [
    ['x-fission-function-uid', wish.function_id],
    ['x-fission-function-name', wish.function_name ?? wish.function_id],
    ['x-fission-function-namespace', 'default'],
    ['x-fission-function-resourceversion', `${wish.function_version}`],
    ['x-fission-request-id', id],
  ]
  const host = http?.headers.find(([name]) => name === 'host')?.[1]
  if (host !== undefined) headers.push(['x-forwarded-host', host])
  if (http?.url !== undefined) headers.push(['x-fission-full-url', http.url.slice(new URL(http.url).origin.length)])
  return headers
}

async function call(fn, context) {
  const { response } = context
  const failed = (error) => {
    console.error(error)
    if (!response.headersSent) answer(response, 500, 'Internal server error')
  }
  try {
    if (fn.length >= 2) return await fn(context, (status, body, headers) => answer(response, status, body, headers))
    const result = await fn(context)
    if (response.headersSent || response.writableEnded) return
    const hasBody = typeof result === 'object' && result !== null && result.body !== undefined
    const status = result?.status ?? (hasBody ? 200 : undefined)
    if (status !== undefined) answer(response, status, result.body, result.headers)
    else failed(new TypeError(`a function answers with {status, body, headers}, this one with ${inspect(result)}`))
  } catch (error) {
    failed(error)
  }
}

function answer(response, status, body, headers) {
  if (headers) response.set(headers)
  response.status(status)
  if (body instanceof Readable) body.pipe(response)
  else response.send(body)
}

module.exports = { bind, load }
