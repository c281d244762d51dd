import { usageError } from './command.ts'

/** Which system a package was written for, by the files that this system has. */

/** Text of a file of the package by its path; undefined: there is none. */
export interface PackageFiles {
  names: string[]
  text(path: string): string | undefined
}

export interface KnownPackage {
  /** What it was taken for. */
  kind: string
  signature: string
  /** Undefined: its other files say it. */
  runtime?: string
  entry?: string
}

/** Null: nothing says that it is any other system's. Throws CliError for what would not run, and says what to do. */
export function recognised(files: PackageFiles): KnownPackage | null {
  for (const known of [ofAzure, ofOpenFaas, ofKnative, ofFunctionsFramework, ofOpenWhisk]) {
    const found = known(files)
    if (found !== null) return found
  }
  return null
}

/** `host.json` at the root; its other files say the language and the model. */
function ofAzure(files: PackageFiles): KnownPackage | null {
  const host = files.text('host.json')
  if (host === undefined) return null
  if (/"customHandler"\s*:/.test(host)) {
    return { kind: 'an app of Azure Functions (with a custom handler)', signature: 'azure', runtime: 'nodejs' }
  }
  const isPython = ['function_app.py', 'requirements.txt'].some((name) => files.names.includes(name))
  const kind = files.names.some((name) => /^[^/]+\/function\.json$/.test(name))
    ? 'with function.json'
    : 'whose code registers'
  return { kind: `an app of Azure Functions (${kind})`, signature: 'azure', runtime: isPython ? 'python3' : 'nodejs' }
}

function ofFunctionsFramework(files: PackageFiles): KnownPackage | null {
  const kind = 'a function of the Functions Framework'
  const script = targetIn(files.text('package.json')) ?? targetIn(files.text('Procfile'))
  const node = firstMatch(files, /\.[cm]?[jt]s$/, /\b(?:http|cloudEvent|typed)\(\s*(['"`])([\w-]+)\1/, 2)
  if (dependsOn(files, '@google-cloud/functions-framework')) {
    return { kind, signature: 'gcf', runtime: 'nodejs', ...entryOf(script ?? node) }
  }
  const decorated = /@(?:functions_framework|\w+)\.(?:http|cloud_event|typed)\b[^\n]*\n(?:async )?def (\w+)/
  const python = firstMatch(files, /\.py$/, decorated, 1)
  const isImported = files.names.some(
    (name) => isSource(name, /\.py$/) && importsFramework.test(files.text(name) ?? ''),
  )
  const requires = /^functions[-_]framework\b/im.test(files.text('requirements.txt') ?? '')
  if (!isImported && !requires) return null
  return { kind, signature: 'gcf', runtime: 'python3', ...entryOf(script ?? python) }
}

const importsFramework = /^\s*(?:import|from) functions_framework\b/m

/** `--target=hello`, as scripts have it. */
const targetIn = (text: string | undefined): string | undefined => /--target[= ]([\w.-]+)/.exec(text ?? '')?.[1]

const entryOf = (entry: string | undefined): { entry?: string } => (entry === undefined ? {} : { entry })

/** A `__main__.py` with a `main`, or a package of Node.js that exports one in the old way: Taibai's own have a file called main. */
function ofOpenWhisk(files: PackageFiles): KnownPackage | null {
  const kind = 'an action of OpenWhisk'
  if (/^(?:async )?def main\(/m.test(files.text('__main__.py') ?? '')) {
    return { kind, signature: 'openwhisk', runtime: 'python3', entry: 'main' }
  }
  if (files.text('package.json') === undefined || files.names.some((name) => /^main\.[cm]?[jt]sx?$/.test(name)))
    return null
  const text = files.text(mainIn(files)) ?? ''
  const exportsMain =
    /^\s*(?:module\.)?exports\.main\s*=/m.test(text) || /module\.exports\s*=\s*\{[^}]*\bmain\b/.test(text)
  return exportsMain ? { kind, signature: 'openwhisk', runtime: 'nodejs', entry: 'main' } : null
}

/** The module of a package of Node.js. */
function mainIn(files: PackageFiles): string {
  try {
    const { main = 'index.js' } = JSON.parse(files.text('package.json') ?? '{}')
    const path = String(main).replace(/^\.\//, '')
    return files.names.includes(path) ? path : `${path}.js`
  } catch {
    return 'index.js'
  }
}

/** `func.yaml` of Knative's `func`: their handlers are called by a server that `func build` adds. */
function ofKnative(files: PackageFiles): null {
  const text = files.text('func.yaml') ?? files.text('func.yml')
  if (text === undefined) return null
  throw usageError(
    'func.yaml: this is a function of Knative (or Fn), which becomes an image: build it with "func build", then taibai deploy --image IMAGE --mode http --port 8080 --name NAME.',
  )
}

/** `stack.yaml` of OpenFaaS. */
function ofOpenFaas(files: PackageFiles): null {
  const text = files.text('stack.yaml') ?? files.text('stack.yml')
  if (text === undefined || !/^\s*name:\s*openfaas\s*$/m.test(text)) return null
  throw usageError(
    'stack.yaml: functions of OpenFaaS are images: build them with "faas-cli build", then taibai deploy stack.yaml (or --image IMAGE --mode http --port 8080 --name NAME for one).',
  )
}

export function dependsOn(files: PackageFiles, name: string): boolean {
  try {
    const { dependencies, devDependencies } = JSON.parse(files.text('package.json') ?? '{}')
    return dependencies?.[name] !== undefined || devDependencies?.[name] !== undefined
  } catch {
    return false
  }
}

/** In the files of the author: of the first that has it. */
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
