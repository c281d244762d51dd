import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import type { RunOptions } from '../../domain/runs/run-options.ts'
import { field, flag, integer, parseFields, text } from '../fields.ts'
import type { AsyncRequest } from './async-request.ts'
import { definedOf, delay, destination, idempotencyKey, priority, retries, timeField } from './run-option-fields.ts'

/** What a request says about a new execution. */

export const newExecution = z.object({
  function_id: text(255, 'Id or name of the function, with an alias (name@alias) or a version (name:3) if needed.'),
  function_version: integer('0, the default: the function as it is now.'),
  function_alias: text(255, 'Takes precedence over function_id and function_version.'),
  input: field({ type: ['string', 'null'], description: 'Text; a JSON object in it is the input itself.' }, asText),
  target: text(255, 'For an app (signature azure): the name of its function.'),
  sync: flag('True, the default: answer when the run is over. False: answer when it is accepted for good.'),
  description: text(),
  delay: delay(),
  run_at: timeField('Time before which the run does not begin; UTC.'),
  priority: priority(),
  retries: retries("How it is retried, if not as the function's other runs."),
  idempotency_key: idempotencyKey(),
  on_success: destination('Destination of its result when it succeeds.'),
  on_failure: destination('Destination of its result when it fails and will not be retried.'),
})

export interface PlainFields {
  function_id?: string | null
  function_version?: number | null
  function_alias?: string | null
  input?: string | null
  sync?: boolean | null
  description?: string | null
}

export type ExecutionFields = PlainFields & Omit<Partial<z.output<typeof newExecution>>, keyof PlainFields>

/** Throws FaasError `invalid_request`. `isPlain`: it has no terms. */
export function executionFields(values: object): { fields: ExecutionFields; isPlain: boolean } {
  if (isPlain(values)) return { fields: values, isPlain: true }
  const fields = parseFields(newExecution, values as Record<string, unknown>)
  return { fields: { ...fields, input: targeted(fields.target, fields.input) }, isPlain: false }
}

/** Most requests have only plain values, which need neither conversion nor checks: skipping the schema saves time. */
function isPlain(values: object): values is PlainFields {
  for (const [name, value] of Object.entries(values)) if (!isPlainField(name, value)) return false
  return true
}

function isPlainField(name: string, value: unknown): boolean {
  switch (name) {
    case 'function_id':
    case 'function_alias':
    case 'description':
      return value === null || (typeof value === 'string' && value.length <= 255)
    case 'input':
      return value === null || typeof value === 'string'
    case 'function_version':
      return value === null || Number.isSafeInteger(value)
    case 'sync':
      return value === null || typeof value === 'boolean'
    default:
      return false
  }
}

/**
 * Undefined: no terms. Throws FaasError `invalid_request` for terms that need an accepted (queued) run when the caller waits for
 * a direct one.
 */
export function runOptionsOf(fields: ExecutionFields, asyncRequest: AsyncRequest | undefined): RunOptions | undefined {
  const { delay: delayMs, run_at, priority, retries, on_success, on_failure } = fields
  const key = fields.idempotency_key ?? asyncRequest?.key
  const ofAccepted = { delay: delayMs, run_at, priority, retries, on_success, on_failure }
  const first = Object.entries(ofAccepted).find(([, value]) => value !== undefined && value !== null)?.[0]
  if (first === undefined && key === undefined) return undefined
  if (first !== undefined && fields.sync !== false && (asyncRequest?.waitMs ?? null) === null) {
    throw invalid(`"${first}" is for runs that are accepted: send "sync": false, or the header Prefer: wait=30.`)
  }
  return definedOf({ runAtMs: run_at, priority, retries, onSuccess: on_success, onFailure: on_failure, key })
}

/** An app reads from its input which of its functions is called. */
function targeted(target: string | null | undefined, input: string | null | undefined): string | null | undefined {
  if (!target) return input
  const name = JSON.stringify(target)
  return input ? `{"target":${name},"input":${isJson(input) ? input : JSON.stringify(input)}}` : `{"target":${name}}`
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Not limited in length: the whole body is. */
function asText(value: unknown): string {
  if (typeof value !== 'string') throw invalid('must be a string; write a JSON object as text.')
  return value
}
