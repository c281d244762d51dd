import { z } from '@hono/zod-openapi'
import { recordings } from '../../domain/functions/function.ts'
import { signatureNames } from '../../domain/functions/signature.ts'
import type { CountedFn } from '../../services/functions/functions.ts'
import { retriesJson, shownDestination, shownRetries } from '../executions/run-option-fields.ts'
import { shownTime } from '../time.ts'

const fields = {
  id: z.string(),
  name: z.string().nullable(),
  description: z.string().nullable(),
  runtime_id: z.string().nullable(),
  code: z.looseObject({ source: z.enum(['package', 'swift', 'image']) }),
  entry: z.string().nullable(),
  cpu: z.int(),
  memory_size: z.int(),
  timeout: z.int(),
  count: z.int(),
  latest_version: z.int(),
  project_id: z.string(),
  created_at: z.string(),
  updated_at: z.string().nullable(),
  signature: z.enum(signatureNames).nullable(),
  env: z.record(z.string(), z.string()),
  secrets: z.array(z.object({ name: z.string(), as: z.enum(['env', 'file']), to: z.string() })),
  max_running: z.int().nullable(),
  max_rate: z.number().nullable(),
  max_gb_seconds_per_day: z.number().nullable(),
  sandbox: z.string().nullable(),
  placement: z.record(z.string(), z.string()),
  record: z.enum(recordings),
  concurrency: z.int(),
  min_workers: z.int(),
  max_workers: z.int().nullable(),
  idle_timeout: z.int().nullable(),
  network: z.enum(['egress', 'none']),
  api: z.boolean(),
  cpu_max: z.int().nullable(),
  access: z.enum(['token', 'public']),
  cors: z
    .object({
      origins: z.array(z.string()),
      methods: z.array(z.string()).nullable(),
      headers: z.array(z.string()).nullable(),
      credentials: z.boolean(),
    })
    .nullable(),
  hosts: z.array(z.string()),
  writable: z.array(z.string()),
  tmp_size: z.int().nullable(),
  retries: shownRetries.nullable(),
  on_success: shownDestination.nullable(),
  on_failure: shownDestination.nullable(),
}
export const shownFunction = z.object(fields).openapi('Function')

/** The shape in lists. It does not extend the full schema, because an extension cannot change a field's type. */
export const listedFunction = z
  .object({ ...fields, code: z.string().openapi({ description: 'JSON text.' }) })
  .openapi('ListedFunction')

export function functionJson(fn: CountedFn): z.output<typeof shownFunction> {
  return {
    id: fn.id,
    name: fn.name,
    description: fn.description,
    runtime_id: fn.runtimeId,
    code: fn.code,
    entry: fn.entry,
    cpu: fn.cpuMillicpu,
    memory_size: fn.memoryBytes,
    timeout: fn.timeoutSeconds,
    count: fn.count,
    latest_version: fn.latestVersion,
    project_id: fn.projectId,
    created_at: shownTime(fn.createdAt),
    updated_at: shownTime(fn.updatedAt),
    signature: fn.signature,
    env: fn.env,
    secrets: fn.secrets,
    max_running: fn.maxRunning,
    max_rate: fn.maxRate,
    max_gb_seconds_per_day: fn.maxGbSecondsPerDay,
    sandbox: fn.sandbox,
    placement: fn.placement,
    record: fn.record,
    concurrency: fn.concurrency,
    min_workers: fn.minWorkers,
    max_workers: fn.maxWorkers,
    idle_timeout: fn.idleTimeoutSeconds,
    network: fn.network,
    api: fn.api,
    cpu_max: fn.cpuMaxMillicpu,
    access: fn.access,
    cors: fn.cors,
    hosts: fn.hosts,
    writable: fn.writable,
    tmp_size: fn.tmpSizeBytes,
    retries: retriesJson(fn.retries),
    on_success: fn.onSuccess,
    on_failure: fn.onFailure,
  }
}
