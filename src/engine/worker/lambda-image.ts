import { runtimeApi, runtimeApiHelperBytes } from '../../domain/functions/revision.ts'
import type { Revision } from '../../domain/platform/worker.ts'

/** The environment of an image that uses the Lambda Runtime API. Pure. */

/** Port of the Runtime API, on the loopback that the image shares with its helper. */
export const runtimeApiPort = 9001

const mib = 1024 * 1024

/** Environment variables of the container. The function's own variables win, except for the address of the API. */
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

/** Memory of the image without its helper. */
export const memoryOfLambda = ({ memoryBytes }: Revision): number => memoryBytes - runtimeApiHelperBytes

/** The revision of the helper: it runs none of the function's code and needs only the data of calls. */
export function helperRevision(revision: Revision): Revision {
  const { AWS_REGION: region } = revision.env
  const env: Record<string, string> = region === undefined ? {} : { AWS_REGION: region }
  return { ...revision, ...helperLimits, signature: runtimeApi, env, secrets: [], api: false, entry: '' }
}

/** More than a function's default CPU: all input and output of the image passes through the helper. */
export const helperLimits = { memoryBytes: runtimeApiHelperBytes, cpuMillicpu: 250, cpuMaxMillicpu: null }
