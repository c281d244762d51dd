import { invalid } from '../../domain/errors.ts'
import type { Fn } from '../../domain/functions/function.ts'
import {
  bytesOfQuantity,
  defaultMemory,
  maxReplicasLabel,
  millicpuOf,
  minReplicasLabel,
  replicaBoundsIn,
  watchdogPort,
} from '../../domain/functions/openfaas.ts'
import type { FunctionFields } from '../../services/functions/function-fields.ts'

/** Converts function fields between OpenFaaS and ours. Pure. Throws FaasError `invalid_request`. */

const mib = 1_048_576
/** A project is a single namespace with this name, the default of OpenFaaS. */
export const namespace = 'openfaas-fn'

export type GatewayBody = Record<string, unknown>

export interface GatewayDeployment {
  name: string
  image: string
  fields: FunctionFields
}

export function deploymentIn(given: GatewayBody): GatewayDeployment {
  const { service, image, secrets } = given
  if (typeof service !== 'string' || service === '') throw invalid('"service" must be the name of the function.')
  if (typeof image !== 'string' || image === '') throw invalid('"image" must be the image of the function.')
  if (Array.isArray(secrets) && secrets.length > 0) {
    throw invalid(
      `${service} asks for the secrets ${secrets.join(', ')}: images get none here, because the engine shows the environment of a container. Pass them in another way, or make it a function of a runtime.`,
    )
  }
  const env = environmentIn(given)
  const labels = textsIn('labels', given.labels)
  const limits = textsIn('limits', given.limits)
  const requests = textsIn('requests', given.requests)
  const memory = limits.memory ?? requests.memory ?? defaultMemory
  const cpu = requests.cpu ?? limits.cpu
  return {
    name: service,
    image,
    fields: {
      env,
      memoryBytes: memoryOf(memory),
      ...(cpu !== undefined && { cpuMillicpu: cpuOf(cpu) }),
      cpuMaxMillicpu: limits.cpu === undefined ? null : cpuOf(limits.cpu),
      ...replicaBoundsIn(env, labels),
    },
  }
}

/** The stored form. */
export const codeOf = (image: string): GatewayBody => ({ source: 'image', image, mode: 'http', port: watchdogPort })

function environmentIn({ envVars, envProcess }: GatewayBody): Record<string, string> {
  const env = textsIn('envVars', envVars)
  return typeof envProcess === 'string' && envProcess !== '' ? { ...env, fprocess: envProcess } : env
}

function memoryOf(text: string): number {
  const bytes = bytesOfQuantity(text)
  if (bytes === null) throw invalid(`The memory ${JSON.stringify(text)} is not an amount: write 128Mi.`)
  return bytes
}

function cpuOf(text: string): number {
  const millicpu = millicpuOf(text)
  if (millicpu === null) throw invalid(`The cpu ${JSON.stringify(text)} is not an amount: write 100m, or 0.1.`)
  return millicpu
}

function textsIn(name: string, given: unknown): Record<string, string> {
  if (given === undefined || given === null) return {}
  if (typeof given !== 'object' || Array.isArray(given)) throw invalid(`"${name}" must be an object of strings.`)
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, textOf(`${name}.${key}`, value)]))
}

/** OpenFaaS's gateway treats null as an empty text. */
function textOf(name: string, value: unknown): string {
  if (typeof value === 'object' && value !== null) throw invalid(`"${name}" must be a string.`)
  return String(value ?? '')
}

/** The status that `faas-cli list` and `describe` read. */
export function statusOf(fn: Fn & { count: number }): GatewayBody {
  const { fprocess, ...envVars } = fn.env
  return {
    name: fn.name,
    image: fn.code.image ?? '',
    namespace,
    ...(fprocess !== undefined && { envProcess: fprocess }),
    envVars,
    labels: {
      ...(fn.minWorkers > 0 && { [minReplicasLabel]: String(fn.minWorkers) }),
      ...(fn.maxWorkers !== null && { [maxReplicasLabel]: String(fn.maxWorkers) }),
    },
    annotations: {},
    limits: {
      memory: `${Math.round(fn.memoryBytes / mib)}Mi`,
      ...(fn.cpuMaxMillicpu !== null && { cpu: `${fn.cpuMaxMillicpu}m` }),
    },
    requests: { cpu: `${fn.cpuMillicpu}m` },
    readOnlyRootFilesystem: true,
    invocationCount: fn.count,
    // A function without a worker starts one when it is called, but clients wait for the first replica before they call.
    replicas: Math.max(1, fn.minWorkers),
    availableReplicas: Math.max(1, fn.minWorkers),
    createdAt: new Date(fn.createdAt).toISOString(),
  }
}
