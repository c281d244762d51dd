import { CliError } from '../command.ts'
import type { ManifestFunction } from '../manifest/manifest.ts'
import { isObject, objectOf, type ParsedValues, type WhiskManifestEntity } from './foreign-manifest.ts'
import { packagesIn } from './whisk-deployment.ts'
import { entitiesIn } from './whisk-entities.ts'

/**
 * Collects what is not deployed of wskdeploy's `manifest.yaml`, whose actions become the functions that the OpenWhisk API would
 * make.
 */

interface Notes {
  /** Adds a line about something that is not deployed. */
  add(line: string): void
}

/** Whether the file has this format. */
export const isWhiskManifest = (root: ParsedValues): boolean =>
  Object.values(packagesIn(root)).some((one) => isObject(one) && isObject(one.actions))

/** Functions by name: `package--action`, or the action's name alone in the package `default`. Throws CliError. */
export function actionsIn(
  root: ParsedValues,
  notes: Notes,
): { functions: Record<string, ManifestFunction>; entities: WhiskManifestEntity[] } {
  const functions: Record<string, ManifestFunction> = {}
  for (const [packageName, value] of Object.entries(packagesIn(root))) {
    const own = objectOf(value)
    for (const [key, what] of Object.entries(beside)) {
      for (const name of Object.keys(objectOf(own[key]))) notes.add(`${packageName}: ${what} ${name}`)
    }
    for (const [action, about] of Object.entries(objectOf(own.actions))) {
      const name = packageName === 'default' ? part(action) : `${part(packageName)}--${part(action)}`
      functions[name] = functionOf(name, objectOf(about), objectOf(own.inputs), notes)
    }
  }
  return {
    functions,
    entities: entitiesIn(packagesIn(root), (pkg, action) => valuesOf('', objectOf(pkg.inputs), action), notes),
  }
}

/** Parts of a package that have no place here. */
const beside = {
  feeds: 'feed',
  apis: 'API',
  dependencies: 'dependency',
}

function part(name: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(name) && !name.includes('--')) return name
  throw new CliError(`${name} cannot be the name of a function: use letters, digits, "_" and single "-".`, 'usage')
}

const taken = [
  'function',
  'code',
  'runtime',
  'main',
  'inputs',
  'limits',
  'docker',
  'native',
  'version',
  'annotations',
  'web',
]

function functionOf(name: string, action: ParsedValues, ofPackage: ParsedValues, notes: Notes): ManifestFunction {
  for (const key of Object.keys(action)) if (![...taken, 'web-export'].includes(key)) notes.add(`${name}: ${key}`)
  const common = {
    ...limitsOf(name, objectOf(action.limits), notes),
    ...inputsOf(name, ofPackage, action, notes),
    ...annotatedOf(objectOf(action.annotations)),
  }
  if (typeof action.docker === 'string') return { ...common, image: action.docker, mode: 'openwhisk' }
  const { function: file, code: text, main } = action
  const entry = typeof main === 'string' ? main : 'main'
  if (typeof file === 'string') {
    return { ...common, code: file, runtime: runtimeOf(name, action.runtime, file), entry, signature: 'openwhisk' }
  }
  if (typeof text !== 'string') {
    throw new CliError(
      `${name} has no code: write the path of its file as "function", or its text as "code" with a "runtime".`,
      'usage',
    )
  }
  const runtime = runtimeOf(name, action.runtime, '')
  const inline = { file: runtime === 'python3' ? '__main__.py' : 'index.js', text }
  return { ...common, inline, runtime, entry, signature: 'openwhisk' }
}

/** What a function has for an annotation. */
function annotatedOf({ description, 'provide-api-key': wantsApi }: ParsedValues): ManifestFunction {
  return {
    ...(typeof description === 'string' && { description }),
    ...(wantsApi === true && { api: true }),
  }
}

/** The action's own runtime, or that of the file's extension. */
function runtimeOf(name: string, asked: unknown, code: string): string {
  const language =
    typeof asked === 'string' ? asked : /\.py$/.test(code) ? 'python' : /\.[cm]?js$/.test(code) ? 'nodejs' : ''
  if (language.startsWith('nodejs')) return 'nodejs'
  if (language.startsWith('python')) return 'python3'
  throw new CliError(`${name} names no supported runtime: write nodejs or python as its "runtime".`, 'usage')
}

/** OpenWhisk's default limits. */
function limitsOf(name: string, limits: ParsedValues, notes: Notes): ManifestFunction {
  const { timeout = 60_000, memorySize = 256, concurrentActivations, ...others } = limits
  for (const key of Object.keys(others)) notes.add(`${name}: limits.${key}`)
  return {
    timeout: Math.ceil(Number(timeout) / 1000),
    memory_mb: Number(memorySize),
    ...(concurrentActivations !== undefined && { concurrency: Number(concurrentActivations) }),
  }
}

/** Default parameters: the action's own override those of the package. */
function inputsOf(name: string, ofPackage: ParsedValues, action: ParsedValues, notes: Notes): ManifestFunction {
  const known = Object.entries(valuesOf(name, ofPackage, action, notes))
  return known.length === 0 ? {} : { env: { __OW_PARAMETERS: JSON.stringify(Object.fromEntries(known)) } }
}

/** Inputs with a value; `notes` gets the others. */
function valuesOf(name: string, ofPackage: ParsedValues, action: ParsedValues, notes?: Notes): ParsedValues {
  const inputs = Object.entries({ ...ofPackage, ...objectOf(action.inputs) }).map(([key, said]) => {
    const value = isObject(said) ? (said.value ?? said.default) : said
    const isElsewhere = typeof value === 'string' && /^\$\{?\w+\}?$/.test(value)
    if (isElsewhere) notes?.add(`${name}: input ${key}, whose value comes from elsewhere`)
    return [key, isElsewhere ? undefined : value] as const
  })
  return Object.fromEntries(inputs.filter(([, value]) => value !== undefined && value !== null))
}
