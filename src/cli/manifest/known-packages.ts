import { usageError } from '../command.ts'
import { ofNodeWeb } from './known-node-apps.ts'
import { dependsOn, type KnownPackage, type PackageFiles } from './package-files.ts'

/** Recognises the platform for which a package was written by its files. */

/** Null: no other platform recognised. Throws CliError with advice for code that would not run. */
export function recognisePackage(files: PackageFiles): KnownPackage | null {
  for (const known of [
    ofAzure,
    ofOpenFaas,
    ofKnative,
    ofFunctionsFramework,
    ofOpenWhisk,
    ofGoLambda,
    ofGoWeb,
    ofPythonWeb,
    ofNodeWeb,
  ]) {
    const found = known(files)
    if (found !== null) return found
  }
  return null
}

/** Azure Functions: `host.json` in the root; other files determine language and model. */
function ofAzure(files: PackageFiles): KnownPackage | null {
  const host = files.text('host.json')
  if (host === undefined) return null
  const app = { signature: 'azure', ...timeoutIn(host) }
  if (/"customHandler"\s*:/.test(host)) {
    return { ...app, kind: 'an app of Azure Functions (with a custom handler)', runtime: 'nodejs' }
  }
  const isPython = ['function_app.py', 'requirements.txt'].some((name) => files.names.includes(name))
  const kind = files.names.some((name) => /^[^/]+\/function\.json$/.test(name))
    ? 'with function.json'
    : 'whose code registers'
  return { ...app, kind: `an app of Azure Functions (${kind})`, runtime: isPython ? 'python3' : 'nodejs' }
}

/** `functionTimeout` of host.json: `[d.]hh:mm:ss`; -1, no limit, stays the default. */
function timeoutIn(host: string): { timeout?: number } {
  const found = /"functionTimeout"\s*:\s*"(?:(\d+)\.)?(\d+):(\d+):(\d+)"/.exec(host)
  if (found === null) return {}
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = found.slice(1).map((part) => Number(part ?? 0))
  return { timeout: ((days * 24 + hours) * 60 + minutes) * 60 + seconds }
}

function ofFunctionsFramework(files: PackageFiles): KnownPackage | null {
  const kind = 'a function of the Functions Framework'
  if (dependsOn(files, '@google-cloud/functions-framework')) {
    return { kind, signature: 'gcf', runtime: 'nodejs', ...entryOf(nodeTarget(files)) }
  }
  const isImported = files.names.some(
    (name) => isSource(name, /\.py$/) && importsFramework.test(files.text(name) ?? ''),
  )
  const requires = /^functions[-_]framework\b/im.test(files.text('requirements.txt') ?? '')
  if (!isImported && !requires) return null
  return { kind, signature: 'gcf', runtime: 'python3', ...entryOf(pythonTarget(files)) }
}

/** The target of a function of the Functions Framework, whatever its language; undefined: none is found. */
export const frameworkTarget = (files: PackageFiles): string | undefined => pythonTarget(files) ?? nodeTarget(files)

function nodeTarget(files: PackageFiles): string | undefined {
  const registered = /\b(?:http|cloudEvent|typed)\(\s*(['"`])([\w-]+)\1/
  return scriptTarget(files) ?? firstMatch(files, /\.[cm]?[jt]s$/, registered, 2) ?? onlyExport(files)
}

function pythonTarget(files: PackageFiles): string | undefined {
  const decorated = /@(?:\w+\.)+(?:http|cloud_event|typed)\b[^\n]*\n(?:async )?def (\w+)/
  return scriptTarget(files) ?? firstMatch(files, /\.py$/, decorated, 1)
}

const scriptTarget = (files: PackageFiles): string | undefined =>
  targetIn(files.text('package.json')) ?? targetIn(files.text('Procfile'))

/** A function of the first generation is not registered: it is the export of the main module that there is. */
function onlyExport(files: PackageFiles): string | undefined {
  const text = files.text(mainIn(files)) ?? ''
  const exported = /^\s*(?:module\.)?exports\.([\w$]+)\s*=|^export (?:async )?(?:const|let|var|function) ([\w$]+)/gm
  const names = [...text.matchAll(exported)].map(([, name, ofModule]) => name ?? ofModule)
  return new Set(names).size === 1 ? names[0] : undefined
}

const importsFramework = /^\s*(?:import|from) functions_framework\b/m

/** Extracts the target from `--target=hello` in a script. */
const targetIn = (text: string | undefined): string | undefined => /--target[= ]([\w.-]+)/.exec(text ?? '')?.[1]

const entryOf = (entry: string | undefined): { entry?: string } => (entry === undefined ? {} : { entry })

/**
 * OpenWhisk: a `__main__.py` with a `main`, or a Node.js package that exports one through CommonJS. Taibai's own packages have a
 * file called main instead.
 */
function ofOpenWhisk(files: PackageFiles): KnownPackage | null {
  const kind = 'an action of OpenWhisk'
  const python = pythonAction(files)
  if (python !== undefined) return { kind, signature: 'openwhisk', runtime: 'python3', entry: python }
  if (files.text('package.json') === undefined || files.names.some((name) => /^main\.[cm]?[jt]sx?$/.test(name)))
    return null
  const text = files.text(mainIn(files)) ?? ''
  const exportsMain =
    /^\s*(?:module\.)?exports\.main\s*=/m.test(text) || /module\.exports\s*=\s*\{[^}]*\bmain\b/.test(text)
  return exportsMain ? { kind, signature: 'openwhisk', runtime: 'nodejs', entry: 'main' } : null
}

/** The function of `__main__.py`: `main`, or else its only one. */
function pythonAction(files: PackageFiles): string | undefined {
  const text = files.text('__main__.py') ?? ''
  if (/^(?:async )?def main\(/m.test(text)) return 'main'
  const [only, ...others] = [...text.matchAll(/^(?:async )?def (\w+)\(\s*[^)\s]/gm)].map(([, name]) => name)
  return others.length > 0 || files.names.includes('main.py') ? undefined : only
}

/** The main module of a Node.js package. */
function mainIn(files: PackageFiles): string {
  try {
    const { main = 'index.js' } = JSON.parse(files.text('package.json') ?? '{}')
    const path = String(main).replace(/^\.\//, '')
    return files.names.includes(path) ? path : `${path}.js`
  } catch {
    return 'index.js'
  }
}

/** Knative: `func.yaml`; its handlers need the server that `func build` adds. */
function ofKnative(files: PackageFiles): null {
  const text = files.text('func.yaml') ?? files.text('func.yml')
  if (text === undefined) return null
  throw usageError(
    'func.yaml: this is a function of Knative (or Fn), which becomes an image: build it with "func build", then taibai deploy --image IMAGE --mode http --port 8080 --name NAME.',
  )
}

/** OpenFaaS: `stack.yaml`. */
function ofOpenFaas(files: PackageFiles): null {
  const text = files.text('stack.yaml') ?? files.text('stack.yml')
  if (text === undefined || !/^\s*name:\s*openfaas\s*$/m.test(text)) return null
  throw usageError(
    'stack.yaml: functions of OpenFaaS are images: build them with "faas-cli build", then taibai deploy stack.yaml (or --image IMAGE --mode http --port 8080 --name NAME for one).',
  )
}

/** A program that hands its handler to Amazon's library, which asks for events by the Runtime API. */
function ofGoLambda(files: PackageFiles): KnownPackage | null {
  if (!/\bgithub\.com\/aws\/aws-lambda-go\b/.test(files.text('go.mod') ?? '')) return null
  const starts = files.names.some(
    (name) => isSource(name, /(?<!_test)\.go$/) && startsLambda.test(files.text(name) ?? ''),
  )
  if (!starts) return null
  return { kind: 'a function of AWS Lambda in Go', signature: 'runtime-api', runtime: 'provided' }
}

const startsLambda = /\blambda\.Start(?:Handler)?(?:Func|WithOptions|WithContext)?\(/

/** Go's own handlers of requests, by the names that functions have: what takes events needs no name for it. */
function ofGoWeb(files: PackageFiles): KnownPackage | null {
  if (files.text('go.mod') === undefined) return null
  const atTop = files.names.filter((name) => /^[^/]+(?<!_test)\.go$/.test(name))
  const isWeb = atTop.some((name) => goHandler.test(files.text(name) ?? ''))
  return isWeb ? { kind: 'a handler of requests in Go', signature: 'http', runtime: 'go' } : null
}

const goHandler = /^func (?:Main|Handle|Handler)\(\s*\w+ +http\.ResponseWriter,\s*\w+ +\*http\.Request\s*,?\s*\)/m

/** An app of Flask, FastAPI or one like them at the top of a module in the root: servers of WSGI and ASGI find it the same way. */
function ofPythonWeb(files: PackageFiles): KnownPackage | null {
  if (pythonMain.test(files.text('main.py') ?? '')) return null
  for (const name of files.names.filter((each) => /^\w+\.py$/.test(each))) {
    const text = files.text(name) ?? ''
    const [, app, framework = 'Django'] = pythonApp.exec(text) ?? djangoApp.exec(text) ?? []
    if (app === undefined || pythonMain.test(text)) continue
    const entry = `${name.slice(0, -'.py'.length)}.${app}`
    return { kind: `an app of ${framework}`, signature: 'http', runtime: 'python3', entry }
  }
  return null
}

/** A `main` that takes arguments is Taibai's; one without them is a script's, and one below a decorator is a view. */
export const pythonMain = /(?<!^@.*\n)^(?:async )?def main\(\s*[^)\s]/m

/** Django's, as `wsgi.py` and `asgi.py` of a project have it. */
const djangoApp = /^(\w+)\s*=\s*(?:\w+\.)*get_[wa]sgi_application\(/m

const pythonApp = /^(\w+)(?:\s*:\s*\w+)?\s*=\s*(?:\w+\.)?(Flask|Quart|FastAPI|Starlette)\(/m

/** The first match in the author's own files. */
function firstMatch(files: PackageFiles, ending: RegExp, pattern: RegExp, group: number): string | undefined {
  for (const name of files.names) {
    const found = isSource(name, ending) ? pattern.exec(files.text(name) ?? '') : null
    if (found !== null) return found[group]
  }
  return undefined
}

const isSource = (name: string, ending: RegExp): boolean =>
  ending.test(name) &&
  !/(^|\/)(node_modules|\.python_packages|site-packages)\//.test(name) &&
  name.split('/').length <= 4
