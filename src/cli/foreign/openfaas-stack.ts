import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import {
  bytesOfQuantity,
  defaultMemory,
  millicpuOf,
  replicaBoundsIn,
  watchdogPort,
} from '../../domain/functions/openfaas.ts'
import { CliError } from '../command.ts'
import type { ManifestFunction } from '../manifest/manifest.ts'
import { type ForeignManifest, objectOf, type ParsedValues } from './foreign-manifest.ts'

/** Converts OpenFaaS's `stack.yaml` to a manifest; its functions are images. */

const taken = new Set([
  ...['lang', 'handler', 'image', 'fprocess', 'environment', 'environment_file', 'labels', 'annotations', 'limits'],
  ...['requests', 'namespace', 'skip_build', 'readonly_root_filesystem', 'build_args', 'build_options'],
])
const mib = 1_048_576

/** Null: another kind of file. Throws CliError when a function cannot be deployed. */
export function translatedStack(root: ParsedValues, file: string): ForeignManifest | null {
  if (objectOf(root.provider).name !== 'openfaas' || root.functions === undefined) return null
  const leftOut: string[] = []
  const functions: ForeignManifest['manifest']['functions'] = {}
  for (const [name, value] of Object.entries(objectOf(root.functions))) {
    functions[name] = functionOf(name, objectOf(value), dirname(file), leftOut)
  }
  const paths = Object.keys(functions).map((name) => `/function/${name} and /fn/${name} are ${name}`)
  return { manifest: { functions }, folder: dirname(file), kind: 'a stack of OpenFaaS', leftOut, paths }
}

function functionOf(name: string, own: ParsedValues, folder: string, leftOut: string[]): ManifestFunction {
  const { image, fprocess } = own
  if (typeof image !== 'string' || image === '') {
    throw new CliError(`${name} names no image: build it with "faas-cli build", which needs one.`, 'usage')
  }
  if (Array.isArray(own.secrets) && own.secrets.length > 0) leftOut.push(`${name}: secrets, because images get none`)
  for (const key of Object.keys(own)) if (!taken.has(key) && key !== 'secrets') leftOut.push(`${name}: ${key}`)
  const env = { ...environmentFiles(own.environment_file, folder), ...textsOf(own.environment) }
  const limits = textsOf(own.limits)
  const requests = textsOf(own.requests)
  const bounds = replicaBoundsIn(env, textsOf(own.labels))
  const memory = limits.memory ?? requests.memory ?? defaultMemory
  const cpu = requests.cpu ?? limits.cpu
  const jobs = jobsIn(name, textsOf(own.annotations), leftOut)
  return {
    image,
    mode: 'http',
    port: watchdogPort,
    env: typeof fprocess === 'string' ? { ...env, fprocess } : env,
    memory_mb: Math.ceil(amount(name, memory, bytesOfQuantity) / mib),
    timeout: bounds.timeoutSeconds,
    concurrency: bounds.concurrency,
    ...(bounds.minWorkers > 0 && { min_workers: bounds.minWorkers }),
    ...(bounds.maxWorkers !== null && { max_workers: bounds.maxWorkers }),
    ...(cpu !== undefined && { cpu: amount(name, cpu, millicpuOf) }),
    ...(limits.cpu !== undefined && { cpu_max: amount(name, limits.cpu, millicpuOf) }),
    ...(jobs !== null && { jobs }),
  }
}

/** Annotations of the cron connector: its topic and the schedule. */
function jobsIn(name: string, annotations: Record<string, string>, leftOut: string[]): ManifestFunction['jobs'] | null {
  const { topic, schedule, ...others } = annotations
  for (const key of Object.keys(others)) leftOut.push(`${name}: annotation ${key}`)
  if (topic === undefined) return null
  if (topic === 'cron-function' && schedule !== undefined) return { [`${name}-cron`]: { pattern: schedule } }
  leftOut.push(`${name}: topic ${topic}`)
  return null
}

/** One or more files, each with `environment:`. */
function environmentFiles(given: unknown, folder: string): Record<string, string> {
  const files = [given].flat().filter((file): file is string => typeof file === 'string')
  return Object.assign({}, ...files.map((file) => textsOf(objectOf(parse(textOf(join(folder, file)))).environment)))
}

function textOf(path: string): string {
  if (existsSync(path)) return readFileSync(path, 'utf8')
  throw new CliError(`There is no file ${path}, which environment_file names.`, 'usage')
}

function amount(name: string, text: string, read: (text: string) => number | null): number {
  const value = read(text)
  if (value === null) throw new CliError(`${name} asks for ${JSON.stringify(text)}, which is not an amount.`, 'usage')
  return value
}

const textsOf = (value: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(objectOf(value)).map(([key, one]) => [key, String(one ?? '')]))
