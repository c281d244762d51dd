import { runtimeApi, runtimeApiHelperBytes } from '../../domain/revision.ts'
import type { Revision } from '../../domain/worker.ts'

/** What an image that asks for its events finds around it: pure. */

/** Where it finds the Runtime API: on the loopback of the network that it shares with its helper. */
export const runtimeApiPort = 9001

const mib = 1024 * 1024

/** Variables of the container. What the function sets itself stays, but for where the API is. */
export function environmentOfLambda(env: Record<string, string>, revision: Revision): Record<string, string> {
  const { functionId, functionVersion, start } = revision
  const name = revision.functionName ?? functionId
  const version = functionVersion > 0 ? String(functionVersion) : '$LATEST'
  const region = env.AWS_REGION ?? 'us-east-1'
  const [handler] = start?.command ?? []
  return {
    ...(handler !== undefined && { _HANDLER: handler }),
    LAMBDA_TASK_ROOT: '/var/task',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(Math.floor(memoryOfLambda(revision) / mib)),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `[${version}]${functionId.replaceAll('-', '')}`,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    TZ: ':UTC',
    ...env,
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${runtimeApiPort}`,
  }
}

/** Of the image alone. */
export const memoryOfLambda = ({ memoryBytes }: Revision): number => memoryBytes - runtimeApiHelperBytes

/** What its helper is bound to: it runs nothing of the function, and needs nothing of it but what calls are told. */
export function helperRevision(revision: Revision): Revision {
  const { AWS_REGION: region } = revision.env
  const env: Record<string, string> = region === undefined ? {} : { AWS_REGION: region }
  return { ...revision, ...helperLimits, signature: runtimeApi, env, secrets: [], api: false, entry: '' }
}

/** More than a function gets by default: all that the image is told and says goes through it. */
export const helperLimits = { memoryBytes: runtimeApiHelperBytes, cpuMillicpu: 250, cpuMaxMillicpu: null }
