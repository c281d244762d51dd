import { factsOf, type Signature, signatureNames } from '../../domain/functions/signature.ts'
import { pythonMain } from './known-packages.ts'
import type { KnownPackage, PackageFiles } from './package-files.ts'

/** Recognises the platform of a handler by its code, where no list of dependencies or other file names the platform. */

/** Null: nothing recognised. */
export function recogniseHandler(files: PackageFiles): KnownPackage | null {
  const google = ofGoogle(files)
  if (google !== null) return google
  const code = mainModule(files)
  if (code === null) return null
  for (const known of [ofScript, ofFission, ...(definesMain(code) ? [] : [ofLambda, ofWeb])]) {
    const found = known(code, files)
    if (found !== null) return found
  }
  return null
}

/** The entry of code without a module called main; undefined: the default of the signature, or nothing found. */
export function entryOf(files: PackageFiles, signature: string | null | undefined): string | undefined {
  const code = hasDefault(signature) ? null : mainModule(files)
  if (code === null) return undefined
  const name = functionNames.find((each) => defines(code, each))
  if (name !== undefined) return `${code.module}.${name}`
  return files.names.length === 1 ? `${code.module}.main` : undefined
}

const hasDefault = (signature: string | null | undefined): boolean =>
  signatureNames.includes(signature as Signature) && factsOf(signature as Signature).entry !== undefined

interface MainModule {
  /** Without the extension, which is separate. */
  module: string
  extension: string
  text: string
}

/** Usual names of handlers, most specific to Taibai first. */
const functionNames = ['main', 'handler', 'lambda_handler']
const usualModules = ['index', 'app', 'handler', 'lambda_function', 'lambda', 'function']
const source = /^([\w-]+)(\.(?:[cm]?[jt]s|py))$/

/** The main module in the root. Null: it is called main, as the runtimes expect it, or none stands out. */
function mainModule(files: PackageFiles): MainModule | null {
  const atTop = files.names.flatMap((name) => {
    const [, module = '', extension = ''] = source.exec(name) ?? []
    return module === '' || module === '__init__' || isTest.test(name) ? [] : [{ name, module, extension }]
  })
  if (atTop.some(({ module }) => module === 'main')) return null
  const usual = usualModules.map((module) => atTop.find((file) => file.module === module))
  const found = usual.find((file) => file !== undefined) ?? (atTop.length === 1 ? atTop[0] : undefined)
  return found === undefined ? null : { ...found, text: files.text(found.name) ?? '' }
}

const isTest = /(^|[._-])(test|spec|config)[._]/

function defines({ extension, text }: MainModule, name: string): boolean {
  if (extension === '.py') {
    return new RegExp(`^(?:async )?def ${name}\\(|^${name} *=|^from .+ import .*\\b${name}\\b`, 'm').test(text)
  }
  const exported = `^\\s*(?:module\\.)?exports\\.${name}\\s*=|^export (?:async )?(?:function|const|let|var) ${name}\\b`
  const listed = `(?:module\\.exports\\s*=|^export)\\s*\\{[^}]*\\b${name}\\b`
  return new RegExp(`${exported}|${listed}`, 'm').test(text)
}

/** `main` is the name of Taibai's functions: a handler beside it does not make the module another platform's. */
const definesMain = (code: MainModule): boolean =>
  code.extension === '.py' ? pythonMain.test(code.text) : defines(code, 'main')

/** OpenWhisk: a single script whose `main` is not exported, which no other platform calls. */
function ofScript({ extension, text }: MainModule, { names }: PackageFiles): KnownPackage | null {
  const isScript = names.length === 1 && extension === '.js' && !/^export\b|\bexports\b/m.test(text)
  if (!isScript || !/^(?:async )?function main\(|^(?:const|let|var) main\s*=/m.test(text)) return null
  return { kind: 'an action of OpenWhisk', signature: 'openwhisk', runtime: 'nodejs' }
}

/**
 * Fission: a function of `context` that answers with a status, one without arguments that uses Flask or returns a body with its
 * status, or one that takes FastAPI's request.
 */
function ofFission({ extension, text }: MainModule, { names }: PackageFiles): KnownPackage | null {
  if (names.length !== 1) return null
  const isPython = extension === '.py' && (answersFlask(text) || takesFastApi.test(text))
  const takesContext =
    /(?:module\.exports\s*=|^export default)\s*(?:async\s*)?(?:function\s*\w*\s*)?\(\s*context\s*(?:,\s*callback\s*)?\)/m
  const isNode = takesContext.test(text) && /\bstatus\s*:|\bcallback\(\s*\d{3}\b/.test(text)
  if (!isPython && !isNode) return null
  return { kind: 'a function of Fission', signature: 'fission', runtime: isPython ? 'python3' : 'nodejs' }
}

const answersFlask = (text: string): boolean =>
  /^def main\(\):/m.test(text) &&
  (/^(?:from|import) flask\b/m.test(text) || /^\s+return .+, *[1-5]\d\d\s*$/m.test(text))

const takesFastApi = /^(?:async )?def main\(\s*\w+ *: *(?:fastapi\.)?Request\s*\)/m

/**
 * Google's first functions name no framework: `main.py` has one function, of `request`, or `index.js` one export, of `(req, res)`.
 * Taibai's own function is called main.
 */
function ofGoogle(files: PackageFiles): KnownPackage | null {
  const kind = 'a function of the Functions Framework'
  const defined = [...(files.text('main.py') ?? '').matchAll(/^(?:async )?def (\w+)\(\s*([^)]*?)\s*\)[^:]*:/gm)]
  const [[, name, parameters] = [], ...otherFunctions] = defined
  if (
    name !== undefined &&
    name !== 'main' &&
    otherFunctions.length === 0 &&
    /^request\b[^,]*$/.test(parameters ?? '')
  ) {
    return { kind, signature: 'gcf', runtime: 'python3', entry: name }
  }
  const exported = [...(files.text('index.js') ?? '').matchAll(/^(?:module\.)?exports\.(\w+)\s*=\s*(.*)$/gm)]
  const [[, key, value = ''] = [], ...otherExports] = exported
  const takesRequest = /^(?:async\s*)?(?:function\s*\w*\s*)?\(\s*req\w*\s*,\s*res\w*\s*\)/.test(value)
  if (key === undefined || key === 'main' || otherExports.length > 0 || !takesRequest) return null
  return { kind, signature: 'gcf', runtime: 'nodejs', entry: key }
}

/** AWS Lambda: `exports.handler` in Node.js, `lambda_handler` in Python. */
function ofLambda(code: MainModule): KnownPackage | null {
  const isPython = code.extension === '.py'
  const name = isPython ? 'lambda_handler' : 'handler'
  if (!defines(code, name)) return null
  const runtime = isPython ? 'python3' : 'nodejs'
  return { kind: 'a function of AWS Lambda', signature: 'lambda', runtime, entry: `${code.module}.${name}` }
}

/** Edge and Netlify style: a default export that answers a Request with a Response. */
function ofWeb({ module, extension, text }: MainModule): KnownPackage | null {
  const answers = /\bnew Response\(|\bResponse\.(?:json|redirect)\(/.test(text)
  if (extension === '.py' || !answers || !/^export default\b/m.test(text)) return null
  return { kind: 'a web function', signature: 'http', runtime: 'nodejs', entry: `${module}.default` }
}
