import { milliseconds as millisecondsText } from '../../client/explanation.ts'
import type { AccessKeyRow } from '../../client/resources/access-keys.ts'
import type { AliasRow } from '../../client/resources/aliases.ts'
import type { AuditRow } from '../../client/resources/audit.ts'
import type { ExecutionRow } from '../../client/resources/executions.ts'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { JobRow } from '../../client/resources/jobs.ts'
import type { SecretRow } from '../../client/resources/secrets.ts'
import type { SourceRow } from '../../client/resources/sources.ts'
import type { TokenRow } from '../../client/resources/tokens.ts'
import type { VersionRow } from '../../client/resources/versions.ts'
import type { DeliveryRow, WebhookRow } from '../../client/resources/webhooks.ts'
import type { Column } from './output.ts'

/** Formats values of the API for tables. */

const mib = 1024 * 1024

/** `2026-11-30 09:00:00`, in UTC as in the API; null for null. */
export const timeText = (iso: string | null | undefined): string | null =>
  iso ? iso.replace('T', ' ').replace(/(\.\d+)?Z?$/, '') : null

export const targetText = (row: {
  function_id: string | null
  function_version?: number | null
  function_alias?: string | null
}): string => {
  if (row.function_alias) return `alias ${row.function_alias}`
  const version = row.function_version ? `:${row.function_version}` : ''
  return `${row.function_id}${version}`
}

export const milliseconds = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : millisecondsText(ms)

export const functionColumns = (runtimeNames: ReadonlyMap<string, string | null>): Column<FunctionRow>[] => [
  { title: 'NAME', value: ({ name, id }) => name ?? id },
  { title: 'RUNTIME', value: ({ code, runtime_id }) => runtimeNames.get(runtime_id ?? '') ?? code.source },
  { title: 'ENTRY', value: ({ entry }) => entry },
  { title: 'MEMORY', value: ({ memory_size }) => `${Math.round(memory_size / mib)} MiB`, right: true },
  { title: 'TIMEOUT', value: ({ timeout }) => `${timeout} s`, right: true },
  { title: 'CALLS', value: ({ count }) => count, right: true },
  { title: 'VERSIONS', value: ({ latest_version }) => latest_version, right: true },
  { title: 'CHANGED OR CALLED', value: ({ updated_at, created_at }) => timeText(updated_at ?? created_at) },
]

export const executionColumns: Column<ExecutionRow>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'FUNCTION', value: targetText },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'TRIGGER', value: ({ trigger }) => trigger },
  {
    title: 'START',
    value: ({ start_kind, cold_reason }) => (cold_reason ? `${start_kind} (${cold_reason})` : start_kind),
  },
  { title: 'TOTAL', value: ({ phases }) => milliseconds(phases?.total), right: true },
  { title: 'AT', value: ({ created_at }) => timeText(created_at) },
]

export const deadLetterColumns: Column<ExecutionRow>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'FUNCTION', value: targetText },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'ATTEMPTS', value: ({ attempt }) => attempt, right: true },
  { title: 'ERROR', value: ({ error }) => (error === null ? null : `${error.type}: ${error.message}`.slice(0, 60)) },
  { title: 'SINCE', value: ({ dead_at }) => timeText(dead_at) },
]

export const versionColumns: Column<VersionRow>[] = [
  { title: 'VERSION', value: ({ version_number }) => version_number, right: true },
  { title: 'DESCRIPTION', value: ({ description }) => description },
  { title: 'CALLS', value: ({ count }) => count, right: true },
  { title: 'CREATED', value: ({ created_at }) => timeText(created_at) },
]

export const aliasColumns: Column<AliasRow>[] = [
  { title: 'ALIAS', value: ({ name }) => name },
  { title: 'FUNCTION', value: ({ function_id }) => function_id },
  { title: 'VERSION', value: ({ function_version }) => function_version, right: true },
  { title: 'WEIGHTS', value: ({ weights }) => (weights === undefined ? null : weightsText(weights)) },
  { title: 'DESCRIPTION', value: ({ description }) => description },
]

export const weightsText = (weights: Record<string, number>): string =>
  Object.entries(weights)
    .map(([version, share]) => `version ${version} ${Number((share * 100).toFixed(2))} %`)
    .join(', ')

export const jobColumns: Column<JobRow>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'NAME', value: ({ name }) => name },
  { title: 'FUNCTION', value: targetText },
  {
    title: 'PATTERN',
    value: ({ pattern, timezone }) =>
      pattern === null ? 'once' : timezone === 'UTC' ? pattern : `${pattern} ${timezone}`,
  },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'NEXT (UTC)', value: ({ next_execution_time }) => timeText(next_execution_time) },
  { title: 'LEFT', value: ({ count }) => count, right: true },
]

export const webhookColumns: Column<WebhookRow>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'FUNCTION', value: targetText },
  { title: 'DESCRIPTION', value: ({ description }) => description },
  { title: 'ANSWERS', value: ({ sync }) => (sync ? 'yes' : '') },
  { title: 'ADDRESS', value: ({ webhook_url }) => webhook_url },
]

export const sourceColumns: Column<SourceRow>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'CONTAINER', value: ({ container, prefix }) => (prefix ? `${container}/${prefix}` : container) },
  { title: 'FUNCTION', value: targetText },
  { title: 'EVENTS', value: ({ events }) => events.join(', ') },
  { title: 'STATUS', value: ({ status, last_error }) => (last_error ? `${status}, failing` : status) },
  { title: 'LAST LOOK', value: ({ last_polled_at }) => timeText(last_polled_at) },
]

export const accessKeyColumns: Column<AccessKeyRow>[] = [
  { title: 'ACCESS KEY ID', value: ({ access_key_id }) => access_key_id },
  { title: 'NAME', value: ({ name }) => name },
  { title: 'PROJECT', value: ({ project_id }) => project_id },
  { title: 'TOKEN', value: ({ token_id }) => token_id ?? 'the admin token' },
  { title: 'CREATED', value: ({ created_at }) => timeText(created_at) },
]

export const deliveryColumns: Column<DeliveryRow>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'RECEIVED', value: ({ received_at }) => timeText(received_at) },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'EXECUTION', value: ({ execution_id }) => execution_id },
  { title: 'BYTES', value: ({ bytes }) => bytes, right: true },
  { title: 'REASON', value: ({ reason }) => reason },
]

export const secretColumns: Column<SecretRow>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'VERSION', value: ({ version }) => version },
  { title: 'USED BY', value: ({ used_by }) => used_by.map(({ id, name }) => name ?? id).join(', ') },
  { title: 'CHANGED', value: ({ created_at, updated_at }) => timeText(updated_at ?? created_at) },
]

export const tokenColumns: Column<TokenRow>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'NAME', value: ({ name }) => name },
  { title: 'PROJECT', value: ({ project_id }) => project_id },
  { title: 'ROLES', value: ({ roles }) => roles.join(', ') },
  { title: 'SCOPES', value: ({ scopes }) => scopes?.join(', ') ?? 'all' },
  { title: 'FUNCTION', value: ({ function_id }) => function_id },
  { title: 'EXPIRES', value: ({ expires_at }) => timeText(expires_at) },
  { title: 'LAST USED', value: ({ last_used_at }) => timeText(last_used_at) },
]

export const auditColumns: Column<AuditRow>[] = [
  { title: 'WHEN (UTC)', value: ({ at }) => timeText(at) },
  { title: 'WHO', value: ({ who }) => who.name ?? who.id ?? who.kind },
  { title: 'PROJECT', value: ({ project_id }) => project_id },
  { title: 'WHAT', value: ({ method, path }) => `${method} ${path}` },
  { title: 'NAME', value: ({ subject_name, subject_id }) => subject_name ?? subject_id },
  { title: 'FROM', value: ({ address }) => address },
]
