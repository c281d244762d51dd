import { type AppFunction, appFunctionsIn } from '../../domain/functions/app-function.ts'
import { type ActingSession, hasSession } from '../../domain/platform/openstack.ts'
import type { BoundSecrets } from '../../domain/platform/secret.ts'
import type { Call, Revision } from '../../domain/platform/worker.ts'
import { type Frame, parseMeta } from './protocol.ts'

/** The server's side of the metas of frames; see runtimes/README.md. */

/** Secrets, and the folder for those that are files. */
export interface DeliveredSecrets extends BoundSecrets {
  folder: string
}

/** Meta of `BIND`; `code`: the path of the function's code in the worker; `api`: URL and token for the API. */
export function bindMeta(
  revision: Revision,
  code: string,
  maxResultBytes: number,
  secrets: DeliveredSecrets | null = null,
  api?: { url: string; token: string },
): object {
  return {
    function_id: revision.functionId,
    function_name: revision.functionName,
    function_version: revision.functionVersion,
    project_id: revision.projectId,
    entry: revision.entry,
    signature: revision.signature,
    env: { ...revision.env, ...secrets?.env, ...(api !== undefined && { TAIBAI_API: api.url }) },
    ...(secrets !== null && secretMeta(secrets)),
    api,
    code,
    memory_bytes: revision.memoryBytes,
    timeout_ms: revision.timeoutMs,
    concurrency: revision.concurrency,
    max_result_bytes: maxResultBytes,
  }
}

function secretMeta({ env, files, folder }: DeliveredSecrets): object {
  const names = Object.keys(env)
  return {
    ...(names.length > 0 && { secret_names: names }),
    ...(Object.keys(files).length > 0 && { secrets: folder, secret_files: files }),
  }
}

/**
 * Meta of `CALL`. It is concatenated by hand because every call needs it; only the parts that may need escaping go through JSON.
 */
export function callMeta(call: Call, deadlineMs: number): string {
  const http = call.http === undefined ? '' : `,"http":${JSON.stringify(call.http)}`
  const client = call.client === undefined ? '' : `,"client":${JSON.stringify(call.client)}`
  const trace = call.traceparent === undefined ? '' : `,"traceparent":${JSON.stringify(call.traceparent)}`
  const attempt = call.attempt === undefined ? '' : `,"attempt":${call.attempt}`
  return `{"execution_id":"${call.executionId}","deadline_ms":${deadlineMs},"trigger":"${call.trigger}","input":"${call.input.kind}"${http}${client}${trace}${attempt}}`
}

/** Meta of `SESSION`. */
export function sessionMeta(session: ActingSession | undefined): object {
  if (session === undefined) return {}
  if (!hasSession(session)) return { problem: session.problem }
  const { token, authUrl, details, catalog } = session
  return { token, auth_url: authUrl, details, catalog: catalog === null ? [] : JSON.parse(catalog) }
}

/** Functions of an app, from `BOUND`; undefined: the package is no app. */
export function functionsIn(frame: Frame): AppFunction[] | undefined {
  if (!frame.meta.includes('"functions"')) return undefined
  try {
    return appFunctionsIn(parseMeta(frame).functions)
  } catch {
    return undefined
  }
}

/**
 * The worker announces that it takes no more calls and exits. The meta is searched, not parsed, because every response is
 * checked.
 */
export function isLast(frame: Frame): boolean {
  if (!frame.meta.includes('"last":true')) return false
  try {
    return parseMeta(frame).last === true
  } catch {
    return false
  }
}
