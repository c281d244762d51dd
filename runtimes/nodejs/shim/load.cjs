/** Loads a function from the content of BIND: the entry's module, and its export. */

const { builtin, mebibyte, min } = require('./builtins.cjs')
const { hideFolder, Refusal } = require('./errors.cjs')
const { followMemory } = require('./heap.cjs')
const { maxFrameBytes } = require('./wire.cjs')
const { existsSync, readdirSync, statSync } = builtin('node:fs')
const { isAbsolute, join, relative, resolve } = builtin('node:path')
const { pathToFileURL } = builtin('node:url')
const { inspect } = builtin('node:util')

/** Folder of the function's code, once known. */
let codeFolder = ''

async function load(asked) {
  const { _TAIBAI_INSPECT: inspected, _TAIBAI_INSPECT_CODE: edited } = asked.env ?? {}
  const wish = edited === undefined ? asked : { ...asked, code: edited }
  codeFolder = resolve(wish.code)
  hideFolder(codeFolder)
  process.chdir(codeFolder)
  followMemory(wish.memory_bytes)
  for (const name of Object.keys(wish.env ?? {})) process.env[name] = wish.env[name]
  if (wish.secret_files !== undefined) require('./secret-files.cjs').writeSecretFiles(wish.secrets, wish.secret_files)
  if (inspected !== undefined) await require('./inspector.cjs').listen(Number(inspected))
  const signature = loadSignature(wish.signature)
  const maxResultBytes = min(wish.max_result_bytes ?? Infinity, maxFrameBytes - 65536)
  try {
    signature.prepare?.(wish)
    const callable = signature.load
      ? await signature.load({ ...wish, maxResultBytes })
      : await loadCallable(wish.entry ?? '', signature)
    const bound = await signature.bind(callable, { ...wish, maxResultBytes })
    return { ...bound, ...described(wish), maxResultBytes }
  } catch (error) {
    throw signature.describeLoadError?.(error) ?? error
  }
}

/** Loads a function of the shim, the way that functions are loaded. */
async function rehearse(entry) {
  codeFolder = __dirname
  const signature = loadSignature('event')
  return { ...signature.bind(await loadCallable(entry, signature)), ...described({}) }
}

async function loadCallable(entry, signature) {
  const { module, name } = splitEntry(entry, signature.splitAt ?? lastDot)
  const file = findModule(module, signature.extensions)
  return findCallable(await importCode(file), name, file, signature)
}

/** The exports of a file of the package. */
function importCode(file) {
  if (compiled.test(file)) require('./typescript.cjs').compileModules(codeFolder)
  return importFile(file)
}

function described(wish) {
  return {
    id: wish.function_id,
    name: wish.function_name,
    version: wish.function_version,
    project: wish.project_id,
    apiOf: wish.api === undefined ? () => null : require('./api.cjs').apiOf(wish.api),
    memoryMib: `${Math.floor((wish.memory_bytes ?? 0) / mebibyte)}`,
  }
}

class UnknownSignature extends Refusal {}
class EntryNotFound extends Refusal {
  /** `missing`: `form`, `module` or `export`. */
  constructor(missing, message) {
    super(message)
    Object.defineProperty(this, 'missing', { value: missing })
  }
}

/** Each signature is a file of its own; `signatures/event.cjs` describes its contents. */
function loadSignature(name) {
  const file = `./signatures/${name}.cjs`
  if (/^[\w-]+$/.test(name) && existsSync(join(__dirname, file))) return require(file)
  const known = readdirSync(join(__dirname, 'signatures')).map((each) => each.replace(/\.cjs$/, ''))
  throw new UnknownSignature(`this runtime does not know the signature "${name}"; it knows ${known.join(', ')}`)
}

/** Splits an entry into the module and the name of its export. */
function splitEntry(entry, splitAt) {
  const folderEnd = entry.lastIndexOf('/') + 1
  const dot = splitAt(entry, folderEnd)
  const module = entry.slice(0, dot)
  const name = entry.slice(dot + 1)
  if (dot < folderEnd || module === '' || module.endsWith('/') || name === '') {
    throw new EntryNotFound('form', `the entry "${entry}" is not of the form module.callable`)
  }
  return { module, name }
}

function lastDot(entry) {
  return entry.lastIndexOf('.')
}

const usualExtensions = ['.mjs', '.js', '.cjs', '.mts', '.ts', '.cts', '.tsx', '.jsx']

const compiled = /\.([cm]?ts|[tj]sx)$/

function findModule(module, extensions = usualExtensions) {
  const base = resolve(codeFolder, module)
  if (isAbsolute(module) || relative(codeFolder, base).startsWith('..')) {
    throw new EntryNotFound('module', `the module "${module}" lies outside the package`)
  }
  const endings = ['', ...extensions, ...extensions.map((extension) => `/index${extension}`)]
  const file = endings.map((end) => base + end).find((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
  if (file) return file
  const names = extensions.map((end) => module + end).join(', ')
  throw new EntryNotFound(
    'module',
    `the package has no module "${module}": looked for ${names}; found ${filesNear(base)}`,
  )
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

async function importFile(file) {
  const url = pathToFileURL(file).href
  try {
    return await importModule(url)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    await require('./syntax-error.cjs').addPlace(error, url, importModule, codeFolder)
    throw error
  }
}

function findCallable(exported, name, file, signature) {
  const { callableOf = exportOf, isCallable = isFunction } = signature
  const value = callableOf(exported, name)
  if (isCallable(value)) return value
  const where = relative(codeFolder, file)
  if (value !== undefined)
    throw new EntryNotFound('export', `"${name}" of ${where} is not a function but ${inspect(value)}`)
  throw new EntryNotFound(
    'export',
    `${where} exports no "${name}"; it exports ${listing(exportNames(exported), 'nothing')}`,
  )
}

/**
 * Exports of a CommonJS module that static analysis does not find are in its default export only. A module with a function as its
 * only export (`export default`, `module.exports =`) uses that, whatever name the entry gives.
 */
function exportOf(exported, name) {
  return exported[name] ?? exported.default?.[name] ?? onlyExport(exported)
}

function onlyExport(exported) {
  if (exportNames(exported).some((name) => name !== 'default')) return undefined
  // Compilers to CommonJS put the default export of a module one level deeper.
  return exported.default?.default ?? exported.default
}

function isFunction(value) {
  return typeof value === 'function'
}

function exportNames(exported) {
  const { default: inside } = exported
  const names = [...Object.keys(exported), ...(typeof inside === 'object' ? Object.keys(inside ?? {}) : [])]
  return [...new Set(names)].filter((name) => name !== 'module.exports' && name !== '__esModule')
}

module.exports = { EntryNotFound, exportNames, findModule, importCode, load, rehearse }
