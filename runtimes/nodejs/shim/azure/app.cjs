/** An app: a package with several functions, found as in Azure's host. */

const { builtin } = require('../builtins.cjs')
const { Refusal } = require('../errors.cjs')
const { importCode } = require('../load.cjs')
const { suppliedBy } = require('../platform.cjs')
const { core, functions } = require('./core.cjs')
const { resolved } = require('./outputs.cjs')
const { compileRoute } = require('./routes.cjs')
const { existsSync, globSync, readdirSync, readFileSync } = builtin('node:fs')
const { join } = builtin('node:path')

class InvalidApp extends Refusal {}

/**
 * `{functions, host}` once all are registered; a function has `name`, `metadata`, `callback`, `trigger` and, for HTTP, `route`.
 */
async function loadApp(code) {
  const host = readHost(code)
  const folders = readdirSync(code).filter((name) => existsSync(join(code, name, 'function.json')))
  const handler =
    host.customHandler === undefined ? undefined : await require('./custom-handler.cjs').startHandler(code, host)
  if (handler !== undefined) registerFolders(code, folders)
  else if (folders.length > 0) await loadFolders(code, folders)
  else await loadMain(code)
  const prefix = host.extensions?.http?.routePrefix ?? 'api'
  const found = [...functions.values()].map((one) => described(one, prefix))
  if (found.length === 0) {
    throw new InvalidApp(
      'No functions were found: register them with app.http(…) in the files that "main" of package.json names.',
    )
  }
  return { host, functions: found, handler }
}

function readHost(code) {
  const file = join(code, 'host.json')
  if (!existsSync(file))
    throw new InvalidApp('The package has no host.json at its root, which makes it an app of Azure Functions.')
  return readJson(file, 'host.json')
}

function readJson(file, name) {
  try {
    return JSON.parse(readFileSync(file, 'utf8').replace(/^\ufeff/, ''))
  } catch (error) {
    throw new InvalidApp(`${name} is not valid JSON: ${error.message}`)
  }
}

/** v4: functions register themselves. */
async function loadMain(code) {
  const manifest = join(code, 'package.json')
  const main = existsSync(manifest) ? readJson(manifest, 'package.json').main : undefined
  if (main === undefined)
    throw new InvalidApp(
      'Set "main" of package.json to the files that register functions, such as "src/functions/*.js".',
    )
  const files = globSync(main, { cwd: code }).sort()
  if (files.length === 0) throw new InvalidApp(`No file is named by "main" of package.json: ${main}${unbuilt(code)}`)
  for (const file of files) await importCode(join(code, file))
}

const unbuilt = (code) =>
  existsSync(join(code, 'tsconfig.json'))
    ? '. This is an app in TypeScript: build it first (npm install, npm run build)'
    : ''

/** v3: a folder with a function.json for each function. */
async function loadFolders(code, folders) {
  suppliedBy('azure', '@azure/functions').setup()
  for (const name of folders) {
    const { bindings, scriptFile, entryPoint, disabled } = readJson(
      join(code, name, 'function.json'),
      `${name}/function.json`,
    )
    if (disabled === true) continue
    const script = [scriptFile, 'index.js', 'index.mjs', 'index.cjs'].find(
      (file) => file && existsSync(join(code, name, file)),
    )
    if (script === undefined)
      throw new InvalidApp(`${name}: there is no file ${scriptFile ?? 'index.js'} in its folder.`)
    const directory = join(code, name)
    const metadata = { name, directory, bindings: Object.fromEntries((bindings ?? []).map((one) => [one.name, one])) }
    core.registerFunction(metadata, entryOf(await importCode(join(directory, script)), entryPoint, name))
  }
}

/** For a custom handler nothing is loaded. */
function registerFolders(code, folders) {
  for (const name of folders) {
    const { bindings, disabled } = readJson(join(code, name, 'function.json'), `${name}/function.json`)
    const metadata = { name, bindings: Object.fromEntries((bindings ?? []).map((one) => [one.name, one])) }
    if (disabled !== true) core.registerFunction(metadata, undefined)
  }
}

function entryOf(exported, entryPoint, name) {
  const value = exported.default ?? exported
  if (typeof value === 'function' && entryPoint === undefined) return value
  const own = Object.values(value).filter((one) => typeof one === 'function')
  const named =
    entryPoint === undefined
      ? own.length === 1
        ? own[0]
        : (value.run ?? value.index)
      : (value[entryPoint] ?? exported[entryPoint])
  if (typeof named === 'function') return named.bind(value)
  throw new InvalidApp(
    `${name}: Unable to determine function entry point${entryPoint ? ` "${entryPoint}"` : ''}. If multiple functions are exported, you must indicate the entry point, either by naming it 'run' or 'index', or by naming it explicitly via the 'entryPoint' metadata property.`,
  )
}

const readers = /^(blob|table|cosmosDB|sql|mysql|documentDB)$/i

function described({ metadata, callback }, prefix) {
  const bindings = Object.entries(metadata.bindings).map(([name, binding]) => ({ ...binding, name }))
  const trigger = bindings.find(({ type }) => /trigger$/i.test(type))
  if (trigger === undefined) throw new InvalidApp(`The function ${metadata.name} has no trigger.`)
  const reader = bindings.find((one) => one.direction === 'in' && readers.test(one.type))
  if (reader !== undefined) {
    throw new InvalidApp(
      `The function ${metadata.name} has the input binding "${reader.name}" (${reader.type}), which reads a storage that is not here.`,
    )
  }
  const fn = { name: metadata.name, metadata, callback, trigger, bindings }
  if (!/^httpTrigger$/i.test(trigger.type)) return fn
  const path = [prefix, trigger.route || metadata.name].filter((part) => part !== '').join('/')
  const methods = (trigger.methods ?? []).map((method) => method.toUpperCase())
  return {
    ...fn,
    route: `/${path}`,
    compiled: compileRoute(path),
    methods,
    level: (trigger.authLevel ?? 'function').toLowerCase(),
  }
}

/** The list of functions for the server. */
function listed({ functions }) {
  return functions.map(({ name, trigger, route, methods, level }) => {
    const entry = { name, trigger: trigger.type }
    if (route !== undefined) return { ...entry, route, methods, auth_level: level }
    if (trigger.schedule !== undefined) entry.schedule = resolved(trigger.schedule)
    if (trigger.runOnStartup === true) entry.run_on_startup = true
    for (const key of ['queueName', 'topicName', 'subscriptionName', 'path'])
      if (trigger[key] !== undefined) entry[key] = resolved(trigger[key])
    return entry
  })
}

module.exports = { InvalidApp, listed, loadApp, readJson }
