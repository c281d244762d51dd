import { invalid, notAllowed } from '../../domain/errors.ts'
import type { Fn, FunctionCode, Network, Recording } from '../../domain/functions/function.ts'
import {
  type Access,
  type FunctionCors,
  isHostName,
  isHttpToken,
  isOrigin,
  matchesHost,
} from '../../domain/functions/function-access.ts'
import { matchesImage } from '../../domain/functions/image.ts'
import type { Signature } from '../../domain/functions/signature.ts'
import { canonicalUuid } from '../../domain/ids.ts'
import type { Placement } from '../../domain/platform/machine.ts'
import type { SecretUse } from '../../domain/platform/secret.ts'
import type { RetryOptions } from '../../domain/runs/retries.ts'
import type { Destination } from '../../domain/runs/run-options.ts'
import { checkPlacement } from './placements.ts'
import { checkSecretUses } from './secret-uses.ts'
import { checkWritable } from './writable-folders.ts'

/** Fields that create and update share; undefined: not given, null: reset to the default. */
export interface FunctionFields {
  name?: string
  description?: string
  entry?: string
  timeoutSeconds?: number
  cpuMillicpu?: number
  memoryBytes?: number
  signature?: Signature | null
  env?: Record<string, string>
  secrets?: SecretUse[]
  maxRunning?: number | null
  maxRate?: number | null
  maxGbSecondsPerDay?: number | null
  sandbox?: string | null
  record?: Recording
  concurrency?: number
  minWorkers?: number
  maxWorkers?: number | null
  idleTimeoutSeconds?: number | null
  network?: Network
  api?: boolean
  cpuMaxMillicpu?: number | null
  tmpSizeBytes?: number | null
  placement?: Placement
  writable?: string[]
  access?: Access
  cors?: FunctionCors | null
  hosts?: string[]
  retries?: RetryOptions | null
  onSuccess?: Destination | null
  onFailure?: Destination | null
}

/** Settings, named as in `config.ts`. */
export interface FunctionLimits {
  memoryMinBytes: number
  memoryDefaultBytes: number
  memoryMaxBytes: number
  cpuMinMillicpu: number
  cpuDefaultMillicpu: number
  cpuMaxMillicpu: number
  timeoutMinSeconds: number
  timeoutDefaultSeconds: number
  timeoutMaxSeconds: number
  maxConcurrency: number
  maxEnvBytes: number
  /** Patterns of images that members may use as functions; admins may use any. Empty: any. */
  imageAllow: string[]
  /** Patterns of host names that members may use; admins may use others too. */
  functionHosts: string[]
}

/** The three limits that the contract checks first, in its order. */
export function checkContractLimits(given: FunctionFields, limits: FunctionLimits): void {
  within('timeout', given.timeoutSeconds, limits.timeoutMinSeconds, limits.timeoutMaxSeconds, 'seconds', maxTimeoutHint)
  within('cpu', given.cpuMillicpu, limits.cpuMinMillicpu, limits.cpuMaxMillicpu, 'millicpu')
  within('memory_size', given.memoryBytes, limits.memoryMinBytes, limits.memoryMaxBytes, 'bytes', maxMemoryHint)
}

/** All other checks of single fields that need no lookup. */
export function checkFields(given: FunctionFields, limits: FunctionLimits): void {
  checkContractLimits(given, limits)
  if (given.name !== undefined) checkName(given.name)
  if (given.env !== undefined) checkEnv(given.env, limits.maxEnvBytes)
  if (given.secrets !== undefined) checkSecretUses(given.secrets)
  within('concurrency', given.concurrency, 1, limits.maxConcurrency, 'calls at once')
  within('max_running', given.maxRunning, 1, 100_000, 'calls at once')
  within('max_rate', given.maxRate, 0.001, 1_000_000, 'calls a second')
  within('max_gb_seconds_per_day', given.maxGbSecondsPerDay, 0.001, 1e9, 'GB-seconds')
  within('min_workers', given.minWorkers, 0, 1000, 'workers')
  within('max_workers', given.maxWorkers, 1, 10_000, 'workers')
  within('idle_timeout', given.idleTimeoutSeconds, 0, 365 * 86_400, 'seconds')
  within('tmp_size', given.tmpSizeBytes, mib, limits.memoryMaxBytes, 'bytes')
  within('cpu_max', given.cpuMaxMillicpu, limits.cpuMinMillicpu, 1_000_000, 'millicpu')
  if (given.cors !== undefined && given.cors !== null) checkCors(given.cors)
  if (given.writable !== undefined) checkWritable(given.writable)
  if (given.placement !== undefined) checkPlacement(given.placement)
}

/** Checks who may use these host names: a name that the operator did not allow could be the server's own. */
export function checkHosts(hosts: string[] | undefined, who: { isAdmin: boolean }, limits: FunctionLimits): void {
  if (hosts === undefined) return
  if (hosts.length > mostHosts) throw invalid(`"hosts" has ${hosts.length} names; at most ${mostHosts} are allowed.`)
  for (const host of hosts) {
    if (!isHostName(host)) {
      throw invalid(
        `"hosts" names ${JSON.stringify(host)}: write a whole host name in lower case, such as shop.example.org.`,
      )
    }
    if (who.isAdmin || limits.functionHosts.some((pattern) => matchesHost(pattern, host))) continue
    throw notAllowed(`${host} is not among the host names of TAIBAI_FUNCTION_HOSTS, which the operator sets.`)
  }
}

/** Checks who may use this image: images on the host may belong to others. */
export function checkImageOf(code: FunctionCode, who: { isAdmin: boolean }, { imageAllow }: FunctionLimits): void {
  const { source, image } = code
  if (source !== 'image' || image === undefined || who.isAdmin || imageAllow.length === 0) return
  if (imageAllow.some((pattern) => matchesImage(pattern, image))) return
  throw notAllowed(
    `${image} is not among the images of TAIBAI_IMAGE_ALLOW, which the operator sets: ${imageAllow.join(', ')}.`,
  )
}

const mostHosts = 20

function checkCors({ origins, methods, headers, credentials }: FunctionCors): void {
  const wrong = origins.find((origin) => !isOrigin(origin))
  if (wrong !== undefined) {
    throw invalid(`"cors" names ${JSON.stringify(wrong)}: write origins such as https://shop.example.org, or *.`)
  }
  const noToken = [...(methods ?? []), ...(headers ?? [])].find((name) => !isHttpToken(name))
  if (noToken !== undefined) throw invalid(`"cors" names ${JSON.stringify(noToken)}: that is not a method or a header.`)
  if (credentials && origins.includes('*')) {
    throw invalid('"cors" allows credentials to every origin: name the origins that may send them.')
  }
}

/** The bounds that a runtime sets for its functions. */
export interface RuntimeBounds {
  signatures: Signature[]
  /** Least memory of its functions. */
  minMemoryBytes: number
}

/** Checks of combined fields, on the function as it would be. `bounds`: of its runtime; null for images. */
export function checkFieldCombination(fn: Fn, bounds: RuntimeBounds | null): void {
  if (fn.maxWorkers !== null && fn.maxWorkers < fn.minWorkers) {
    throw invalid(`"max_workers" (${fn.maxWorkers}) must not be below "min_workers" (${fn.minWorkers}).`)
  }
  if (fn.cpuMaxMillicpu !== null && fn.cpuMaxMillicpu < fn.cpuMillicpu) {
    throw invalid(`"cpu_max" (${fn.cpuMaxMillicpu}) must not be below "cpu" (${fn.cpuMillicpu}).`)
  }
  const twice = fn.secrets.find(({ as, to }) => as === 'env' && Object.hasOwn(fn.env, to))
  if (twice !== undefined) throw invalid(`${twice.to} is both in "env" and among the secrets: remove one of them.`)
  const memoryBytes = Math.max(fn.memoryBytes, bounds?.minMemoryBytes ?? 0)
  if (fn.tmpSizeBytes !== null && fn.tmpSizeBytes > memoryBytes) {
    throw invalid(
      `"tmp_size" (${fn.tmpSizeBytes}) must not be above the memory (${memoryBytes}): /tmp lies in it. Raise "memory_size".`,
    )
  }
  if (fn.api && fn.network === 'none') {
    throw invalid('"api" needs a network to reach the server by: set "network" to "egress", or "api" to false.')
  }
  if (bounds === null) return checkImage(fn)
  const { signatures } = bounds
  if (fn.writable.length > 0) {
    throw invalid('"writable" is for functions of an image; functions of a runtime write to /tmp.')
  }
  if (fn.signature !== null && !signatures.includes(fn.signature)) {
    throw invalid(`"signature" must be one that the runtime supports: ${signatures.join(', ')}.`)
  }
}

/** The function with the given fields. */
export function withFields(fn: Fn, given: FunctionFields): Fn {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...fn, ...(set as Partial<Fn>) }
}

function checkImage(fn: Fn): void {
  if (fn.signature !== null) throw invalid('"signature" is for functions of a runtime; an image is run as it is.')
  if (fn.secrets.length > 0) {
    throw invalid(
      '"secrets" is for functions of a runtime: the environment of an image is shown by the engine to whoever may ask it.',
    )
  }
  if (fn.code.mode === 'lambda' && fn.concurrency > 1) {
    throw invalid('"concurrency" of an image of mode "lambda" is 1: its program asks for one event at a time.')
  }
  if ((fn.code.mode ?? 'command') === 'command' && fn.minWorkers > 0) {
    throw invalid('"min_workers" is for workers that stay; an image of mode "command" runs once per call.')
  }
}

function checkName(name: string): void {
  if (!/^[A-Za-z0-9_-]+$/.test(name)) {
    throw invalid('"name" must consist of letters, digits, "-" and "_": it is part of the address of the function.')
  }
  if (canonicalUuid(name) !== null) throw invalid('"name" must not look like an id.')
}

function checkEnv(env: Record<string, string>, maxBytes: number): void {
  for (const name of Object.keys(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw invalid(`"env" names ${JSON.stringify(name)}: names are letters, digits and "_", no digit first.`)
    }
    if (name.startsWith('TAIBAI_')) throw invalid(`"env" names ${name}: names that begin with TAIBAI_ are reserved.`)
  }
  if (Object.values(env).some((value) => value.includes('\0'))) throw invalid('"env" must not hold null characters.')
  const bytes = Buffer.byteLength(JSON.stringify(env))
  if (bytes > maxBytes) throw invalid(`"env" has ${bytes} bytes; at most ${maxBytes} are allowed.`)
}

const mib = 1024 * 1024

const maxMemoryHint = ' The operator can raise the maximum with TAIBAI_MEMORY_MAX_BYTES.'
const maxTimeoutHint = ' The operator can raise the maximum with TAIBAI_TIMEOUT_MAX_SECONDS.'

function within(
  key: string,
  value: number | null | undefined,
  min: number,
  max: number,
  unit: string,
  hintAboveMax = '',
): void {
  if (value === undefined || value === null || (value >= min && value <= max)) return
  const hint = value > max ? hintAboveMax : ''
  throw invalid(`"${key}" is ${value}: it must be from ${min} to ${max} ${unit}.${hint}`)
}
