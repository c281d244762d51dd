import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type CollectionTag, parseDocument, type ScalarTag } from 'yaml'
import { CliError } from '../command.ts'
import type { Manifest, ManifestFunction, ManifestJob } from '../manifest/manifest.ts'
import { type ForeignManifest, isObject, objectOf, type ParsedValues } from './foreign-manifest.ts'
import { formatOf, HttpRoutes } from './http-routes.ts'
import { translatedStack } from './openfaas-stack.ts'
import { cronOfSchedule } from './schedule-expression.ts'
import { lambdaLanguages, type Platform, platformOf, withoutWsgiPlugin } from './serverless-providers.ts'
import { resolvedVariables } from './serverless-variables.ts'
import { deploymentNames, withDeployment } from './whisk-deployment.ts'
import { actionsIn, isWhiskManifest } from './whisk-manifest.ts'

/**
 * Converts simple `template.yaml` (AWS SAM), `serverless.yml`, `stack.yaml` (OpenFaaS) and `manifest.yaml` (wskdeploy) files to a
 * manifest, and lists what is left out.
 */

export const templateNames = [
  ...['template.yaml', 'template.yml', 'serverless.yml', 'serverless.yaml'],
  ...['stack.yaml', 'stack.yml', 'manifest.yaml', 'manifest.yml'],
]

/** Null: another kind of file. Throws CliError when no function can be made of it. */
export function readServerlessFile(file: string): ForeignManifest | null {
  if (!existsSync(file)) return null
  const document = parseDocument(readFileSync(file, 'utf8'), { customTags: tags, prettyErrors: true })
  const [problem] = document.errors
  if (problem !== undefined) return null
  const root = objectOf(document.toJS())
  const folder = dirname(file)
  if (isSam(root)) return checked(file, ofSam(root, folder))
  const stack = translatedStack(root, file)
  if (stack !== null) return checked(file, stack)
  if (isObject(root.functions) && root.provider !== undefined)
    return checked(file, ofServerless(resolvedVariables(root), folder))
  if (isWhiskManifest(root)) return checked(file, ofWhisk(root, folder))
  return null
}

function ofWhisk(root: ParsedValues, folder: string): ForeignManifest {
  const notes = new Notes()
  const file = deploymentNames.map((name) => join(folder, name)).find((each) => existsSync(each))
  const whole = file === undefined ? root : withDeployment(root, objectOf(parsed(file)))
  const { functions, entities } = actionsIn(whole, notes)
  const kind = 'a manifest of wskdeploy'
  return { manifest: { functions }, entities, folder, kind, leftOut: notes.lines, paths: notes.paths }
}

function parsed(file: string): unknown {
  const document = parseDocument(readFileSync(file, 'utf8'), { prettyErrors: true })
  const [problem] = document.errors
  if (problem === undefined) return document.toJS()
  throw new CliError(`${file} cannot be read as YAML: ${problem.message}`, 'usage')
}

function checked(file: string, translated: ForeignManifest): ForeignManifest {
  if (Object.keys(translated.manifest.functions).length > 0) return translated
  throw new CliError(`${file} (${translated.kind}) has no function that could be deployed.`, 'usage')
}

/** Some templates leave the Transform out. */
const isSam = ({ Transform: transform, Resources: resources }: ParsedValues): boolean =>
  isObject(resources) &&
  ([transform].flat().some((one) => typeof one === 'string' && one.startsWith('AWS::Serverless')) ||
    Object.values(resources).some((one) => objectOf(one).Type === 'AWS::Serverless::Function'))

// --------------------------------------------------------------------------------------------------- AWS SAM

function ofSam(root: ParsedValues, folder: string): ForeignManifest {
  const notes = new Notes()
  const globals = objectOf(objectOf(root.Globals).Function)
  const parameters = Object.fromEntries(
    Object.entries(objectOf(root.Parameters)).map(([name, about]) => [name, objectOf(about).Default]),
  )
  const functions: Manifest['functions'] = {}
  for (const [id, value] of Object.entries(objectOf(root.Resources))) {
    const { Type: type, Properties: properties } = objectOf(value)
    if (type !== 'AWS::Serverless::Function') {
      notes.add(`${id}: resources of type ${type} are not created here`)
      continue
    }
    const own = objectOf(resolved(properties, parameters))
    const all = { ...objectOf(resolved(globals, parameters)), ...own }
    const variables = { ...variablesIn(resolved(globals, parameters)), ...variablesIn(own) }
    const name = typeof own.FunctionName === 'string' ? own.FunctionName : id
    functions[name] = samFunction(name, all, variables, notes)
  }
  return { manifest: { functions }, folder, kind: 'a template of AWS SAM', leftOut: notes.lines, paths: notes.paths }
}

const samTaken = new Set([
  ...['FunctionName', 'CodeUri', 'Handler', 'Runtime', 'Timeout', 'MemorySize', 'Environment', 'Description', 'Events'],
  ...['PackageType', 'ImageUri', 'ImageConfig', 'FunctionUrlConfig', 'Architectures', 'Role', 'Tags', 'InlineCode'],
])

function samFunction(name: string, all: ParsedValues, variables: ParsedValues, notes: Notes): ManifestFunction {
  for (const key of Object.keys(all)) if (!samTaken.has(key)) notes.add(`${name}: ${key}`)
  if (all.FunctionUrlConfig !== undefined) notes.path(name, 'any method', '/')
  const jobs: Record<string, ManifestJob> = {}
  const routes = new HttpRoutes()
  for (const [event, value] of Object.entries(objectOf(all.Events))) {
    const { Type: type, Properties: properties } = objectOf(value)
    const about = objectOf(properties)
    if (type === 'Schedule' || type === 'ScheduleV2') {
      const job = jobOf(about.Schedule ?? about.ScheduleExpression, about, notes, `${name}: event ${event}`)
      if (job !== null) jobs[event] = job
    } else if (type === 'Api' || type === 'HttpApi') {
      const [method, path] = [String(about.Method ?? 'any method').toUpperCase(), String(about.Path ?? '/')]
      notes.path(name, method, path)
      routes.add(formatOf(type, about.PayloadFormatVersion), method, path)
    } else notes.add(`${name}: event ${event} of type ${type}`)
  }
  const common = {
    description: textOf(all.Description),
    timeout: numberOf(all.Timeout) ?? 3,
    memory_mb: numberOf(all.MemorySize) ?? 128,
    env: { ...routes.env(), ...envOf(name, variables, notes) },
    ...(Object.keys(jobs).length > 0 && { jobs }),
  }
  return functionOf(
    name,
    { runtime: all.Runtime, handler: all.Handler, image: samImage(all), code: all.CodeUri, inline: all.InlineCode },
    common,
  )
}

/** Uses the format of `serverless.yml`. */
function samImage({ ImageUri: uri, ImageConfig }: ParsedValues): unknown {
  if (uri === undefined) return undefined
  const { Command: command, EntryPoint: entryPoint, WorkingDirectory: workingDirectory } = objectOf(ImageConfig)
  return { uri, command, entryPoint, workingDirectory }
}

// ------------------------------------------------------------------------------------------- serverless.yml

function ofServerless(root: ParsedValues, folder: string): ForeignManifest {
  const notes = new Notes()
  const provider = isObject(root.provider) ? root.provider : { name: root.provider }
  const platform = platformOf(provider)
  for (const key of Object.keys(root)) {
    if (!['service', 'provider', 'functions', 'frameworkVersion', 'package', 'useDotenv'].includes(key)) notes.add(key)
  }
  const providerTaken = ['name', 'runtime', 'timeout', 'memorySize', 'environment', 'region', 'stage', 'architecture']
  for (const key of Object.keys(provider)) if (!providerTaken.includes(key)) notes.add(`provider.${key}`)
  const functions: Manifest['functions'] = {}
  for (const [key, value] of Object.entries(objectOf(root.functions))) {
    const own = objectOf(value)
    const name = typeof own.name === 'string' && !own.name.includes('${') ? own.name : key
    functions[name] = withoutWsgiPlugin(serverlessFunction(name, own, provider, platform, notes), own, root.custom)
  }
  return { manifest: { functions }, folder, kind: 'a serverless.yml', leftOut: notes.lines, paths: notes.paths }
}

const serverlessTaken = new Set([
  ...['name', 'handler', 'runtime', 'timeout', 'memorySize', 'environment', 'description', 'events', 'image', 'url'],
  ...['architecture', 'role', 'tags', 'package'],
])

function serverlessFunction(
  name: string,
  own: ParsedValues,
  provider: ParsedValues,
  platform: Platform,
  notes: Notes,
): ManifestFunction {
  for (const key of Object.keys(own)) if (!serverlessTaken.has(key)) notes.add(`${name}: ${key}`)
  if (own.url !== undefined && own.url !== false) notes.path(name, 'any method', '/')
  const jobs: Record<string, ManifestJob> = {}
  const routes = new HttpRoutes()
  for (const event of Array.isArray(own.events) ? own.events : []) {
    const [kind = '', about] = Object.entries(isObject(event) ? event : { [String(event)]: null })[0] ?? []
    if (kind === 'schedule') {
      const details = isObject(about) ? about : { rate: about }
      for (const [n, rate] of [details.rate].flat().entries()) {
        const job = jobOf(rate, details, notes, `${name}: schedule`)
        const title = typeof details.name === 'string' ? details.name : `schedule-${Object.keys(jobs).length + 1}`
        if (job !== null) jobs[n === 0 ? title : `${title}-${n + 1}`] = job
      }
    } else if (kind === 'http' || kind === 'httpApi') {
      const [method, path] = pathOf(about)
      notes.path(name, method, path)
      if (platform.hasRoutes && about !== '*') routes.add(kind === 'http' ? '1.0' : '2.0', method, path)
    } else notes.add(`${name}: event ${kind}`)
  }
  const variables = { ...objectOf(provider.environment), ...objectOf(own.environment) }
  const common = {
    description: textOf(own.description),
    timeout: numberOf(own.timeout) ?? numberOf(provider.timeout) ?? platform.timeout,
    memory_mb: numberOf(own.memorySize) ?? numberOf(provider.memorySize) ?? platform.memoryMb,
    env: { ...routes.env(), ...envOf(name, variables, notes) },
    ...(Object.keys(jobs).length > 0 && { jobs }),
  }
  const runtime = own.runtime ?? provider.runtime ?? platform.runtime
  if (String(runtime).startsWith('python2')) notes.add(`${name}: ${runtime}; it runs on Python 3`)
  return functionOf(name, { runtime, handler: own.handler, image: own.image, code: '.' }, common, platform.languages)
}

/** `GET /orders`, or an equivalent object. */
function pathOf(about: unknown): [method: string, path: string] {
  if (isObject(about)) return [String(about.method ?? 'any method').toUpperCase(), String(about.path ?? '/')]
  const [method = '', path = ''] = String(about).trim().split(/\s+/)
  return path === '' ? ['any method', method === '*' ? '/' : method] : [method.toUpperCase(), path]
}

// ---------------------------------------------------------------------------------------------------- common

interface Source {
  runtime: unknown
  handler: unknown
  image: unknown
  code: unknown
  /** The text of its only module, instead of `code`. */
  inline?: unknown
}

function functionOf(
  name: string,
  source: Source,
  common: ManifestFunction,
  languages = lambdaLanguages,
): ManifestFunction {
  const present = Object.fromEntries(Object.entries(common).filter(([, value]) => value !== undefined))
  if (source.image !== undefined) return { ...present, ...imageOf(name, source.image) }
  const found = languages.find(([prefix]) => typeof source.runtime === 'string' && source.runtime.startsWith(prefix))
  if (found === undefined) {
    const known = languages.map(([prefix]) => (prefix.includes('.') ? prefix : `${prefix}*`)).join(', ')
    throw new CliError(`${name} needs the runtime ${source.runtime}; the supported ones are ${known}.`, 'usage')
  }
  if (typeof source.handler !== 'string') throw new CliError(`${name} names no handler.`, 'usage')
  const [, runtime, signature] = found
  const place =
    typeof source.inline === 'string'
      ? { inline: { file: `index${runtime === 'python3' ? '.py' : '.js'}`, text: source.inline } }
      : { code: typeof source.code === 'string' ? source.code : '.' }
  return { ...present, ...place, runtime, entry: source.handler, ...(signature !== undefined && { signature }) }
}

/** A name, or `{uri, command, entryPoint, workingDirectory}`. */
function imageOf(name: string, said: unknown): ManifestFunction {
  const { uri, command, entryPoint, workingDirectory } = isObject(said) ? said : ({ uri: said } as ParsedValues)
  if (typeof uri !== 'string' || uri.includes('${')) {
    throw new CliError(
      `${name} comes from an image that this file does not name: write its name, such as me/app:1.`,
      'usage',
    )
  }
  const words = (list: unknown) => (Array.isArray(list) && list.length > 0 ? list.map(String) : undefined)
  const start = {
    command: words(command),
    entry_point: words(entryPoint),
    working_directory: typeof workingDirectory === 'string' ? workingDirectory : undefined,
  }
  const given = Object.fromEntries(Object.entries(start).filter(([, value]) => value !== undefined))
  return { image: uri, mode: 'lambda', ...given }
}

/** Null: it is left out. */
function jobOf(expression: unknown, about: ParsedValues, notes: Notes, what: string): ManifestJob | null {
  const enabled = about.Enabled ?? about.enabled
  if (enabled === false || about.State === 'DISABLED') return notes.nothing(`${what}: it is disabled`)
  const pattern = typeof expression === 'string' ? cronOfSchedule(expression) : null
  if (pattern === null)
    return notes.nothing(`${what}: ${JSON.stringify(expression)} cannot be written as a cron pattern`)
  const input = about.Input ?? about.input
  const timezone = about.ScheduleExpressionTimezone ?? about.timezone
  return { pattern, ...(input !== undefined && { input }), ...(typeof timezone === 'string' && { timezone }) }
}

function envOf(name: string, variables: ParsedValues, notes: Notes): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [key, value] of Object.entries(variables)) {
    const text = isObject(value) || value === undefined || value === null ? null : String(value)
    if (text === null || text.includes('${')) notes.add(`${name}: variable ${key}, whose value comes from elsewhere`)
    else env[key] = text
  }
  return env
}

const variablesIn = (value: unknown): ParsedValues => objectOf(objectOf(objectOf(value).Environment).Variables)

class Notes {
  readonly lines: string[] = []
  readonly paths: string[] = []

  add(line: string): void {
    if (!this.lines.includes(line)) this.lines.push(line)
  }

  nothing(line: string): null {
    this.add(line)
    return null
  }

  path(name: string, method: string, path: string): void {
    this.paths.push(`${method} ${path} is at /fn/${name}${path.startsWith('/') ? path : `/${path}`}`)
  }
}

/** Replaces references to parameters by their defaults; other references stay objects. */
function resolved(value: unknown, parameters: ParsedValues): unknown {
  if (Array.isArray(value)) return value.map((one) => resolved(one, parameters))
  if (!isObject(value)) return value
  const { Ref: reference } = value
  if (typeof reference === 'string' && Object.keys(value).length === 1) return parameters[reference] ?? value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolved(inner, parameters)]))
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

/** Short forms of CloudFormation's functions are converted to their long forms. */
const functionNames = ['Ref', 'Sub', 'GetAtt', 'Join', 'Select', 'If', 'ImportValue', 'FindInMap', 'Split', 'Equals']
const tags = functionNames.flatMap((name): (ScalarTag | CollectionTag)[] => {
  const key = name === 'Ref' ? name : `Fn::${name}`
  const scalar: ScalarTag = { tag: `!${name}`, resolve: (text) => ({ [key]: text }) }
  const sequence: CollectionTag = {
    tag: `!${name}`,
    collection: 'seq',
    resolve: () => ({ [key]: [] }) as never,
  }
  return [scalar, sequence]
})

export const templateIn = (folder: string): string | undefined =>
  templateNames.map((name) => join(folder, name)).find((file) => existsSync(file))
