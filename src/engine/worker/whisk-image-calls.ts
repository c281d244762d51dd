import type { WorkerToken } from '../../domain/platform/api-access.ts'
import type { Call, Revision } from '../../domain/platform/worker.ts'
import { noUsage, type Outcome } from '../../domain/runs/outcome.ts'

/** The requests and responses of an OpenWhisk image. Pure. */

const defaultsName = '__OW_PARAMETERS'

/** Environment variables of the container. */
export function environmentOfImage(env: Record<string, string>, { concurrency }: Revision): Record<string, string> {
  const { [defaultsName]: _told, ...own } = env
  return { ...own, __OW_API_HOST: env.TAIBAI_API ?? '', __OW_ALLOW_CONCURRENT: String(concurrency > 1) }
}

/** The body of `/init`, also for an image without code. */
export function initBody({ init, env, functionName, functionId }: Revision): Buffer {
  const { [defaultsName]: _told, ...own } = env
  const { code = '', main = 'main', binary = false } = init ?? {}
  const value = { name: functionName ?? functionId, main, code, binary, env: own }
  return Buffer.from(JSON.stringify({ value }))
}

interface About {
  deadlineMs: number
  token: WorkerToken | undefined
  apiUrl: string | undefined
}

/** The body of `/run`. Null: the input is not an object of parameters. */
export function runBody(call: Call, revision: Revision, { deadlineMs, token, apiUrl }: About): Buffer | null {
  const value = paramsOf(call, revision.env[defaultsName])
  if (value === null) return null
  const id = call.executionId.replaceAll('-', '')
  const { functionName, functionId, projectId, env } = revision
  return Buffer.from(
    JSON.stringify({
      value,
      namespace: projectId,
      action_name: env.__OW_ACTION_NAME ?? `/${projectId}/${functionName ?? functionId}`,
      action_version: env.__OW_ACTION_VERSION ?? '0.0.1',
      api_host: apiUrl ?? '',
      ...(token !== undefined && { api_key: `taibai:${token.ofCall(call.executionId)}` }),
      activation_id: id,
      transaction_id: id,
      deadline: String(deadlineMs),
    }),
  )
}

function paramsOf({ input }: Call, defaults = '{}'): object | null {
  const given: unknown =
    input.kind === 'none' ? {} : input.kind === 'json' ? JSON.parse(input.body.toString('utf8')) : null
  if (typeof given !== 'object' || given === null) return null
  return Array.isArray(given) ? given : { ...JSON.parse(defaults), ...given }
}

/** Null: the image is ready. An image with a program of its own may not know `/init`. */
export function outcomeOfInit(outcome: Outcome, hadCode: boolean): Outcome | null {
  if (outcome.kind !== 'returned') return outcome
  const { http, body } = outcome.value
  if (!hadCode || http?.status === 200) return null
  return failed('InitializationError', errorIn(body) ?? `the image answered ${http?.status} to /init`, outcome.runMs)
}

export function outcomeOfRun(outcome: Outcome): Outcome {
  if (outcome.kind !== 'returned') return outcome
  const { http, body } = outcome.value
  const value = parsed(body)
  if (http?.status !== 200)
    return failed('ActionError', errorIn(body) ?? `the image answered ${http?.status} to /run`, outcome.runMs)
  if (typeof value !== 'object' || value === null) {
    return failed('NotAnObject', 'The action did not return a dictionary or array.', outcome.runMs)
  }
  const answer = { kind: 'json' as const, body }
  const error = Array.isArray(value) ? undefined : (value as { error?: unknown }).error
  if (error === undefined || error === null) return { ...outcome, value: answer }
  return { ...failed('ApplicationError', textOf(error), outcome.runMs), value: answer }
}

const failed = (type: string, message: string, runMs: number) => ({
  kind: 'raised' as const,
  error: { type, message, stack: null },
  runMs,
  ...noUsage,
})

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function errorIn(body: Buffer): string | null {
  const error = (parsed(body) as { error?: unknown } | null | undefined)?.error
  return error === undefined || error === null ? null : textOf(error)
}

const textOf = (error: unknown): string => (typeof error === 'string' ? error : JSON.stringify(error))
