import type { IncomingMessage } from 'node:http'
import { accessKeysOf } from './calls/access-keys.ts'
import { textOf } from './calls/answer-text.ts'
import { buildsOf } from './calls/builds.ts'
import { deadLettersOf } from './calls/dead-letters.ts'
import { executionsOf } from './calls/executions.ts'
import { functionsOf } from './calls/functions.ts'
import { nounOf } from './calls/noun.ts'
import { tokensOf } from './calls/tokens.ts'
import { versionsOf } from './calls/versions.ts'
import { type ApiResponse, Connection, type ConnectionOptions, type RequestFields } from './connection.ts'
import { readEvents, type ServerEvent } from './events.ts'
import { errorOf } from './problems.ts'
import type { AliasFields, AliasRow } from './resources/aliases.ts'
import type { AuditRow } from './resources/audit.ts'
import type { BackupRow } from './resources/backups.ts'
import type { HealthRow } from './resources/health.ts'
import type { ImageRow, PrunedRow } from './resources/images.ts'
import type { JobChange, JobFields, JobRow, PatternPreview } from './resources/jobs.ts'
import type { LimitsRow, ProjectRow } from './resources/projects.ts'
import type { RegistryRow } from './resources/registries.ts'
import type { RuntimeFields, RuntimeRow } from './resources/runtimes.ts'
import type { SecretChange, SecretFields, SecretRow } from './resources/secrets.ts'
import type { SettingRow } from './resources/settings.ts'
import type { SourceChange, SourceFields, SourceRow } from './resources/sources.ts'
import type { HistoryLine, StatsRow } from './resources/stats.ts'
import type { WhoAmI } from './resources/tokens.ts'
import type { UsageList, UsageQuery } from './resources/usage.ts'
import type { DeliveryRow, WebhookFields, WebhookRow } from './resources/webhooks.ts'
import type { RetainedWorkers, WorkerHistoryRow } from './resources/workers.ts'

/**
 * The API as typed calls: a property for each noun, with the same verbs. Errors of the server are thrown as ApiError, an
 * unreachable server as UnreachableError. Names may replace ids where the API accepts them.
 */
export type Client = ReturnType<typeof makeClient>

/** Longest wait for the readiness check. */
const readyLimitMs = 2000

export function makeClient(options: ConnectionOptions) {
  const connection = new Connection(options)
  return {
    url: connection.url,
    connection,
    runtimes: {
      ...nounOf<RuntimeRow, RuntimeFields>(connection, '/v1/runtimes', 'runtimes'),
      /** Number of workers, and of those that wait for a function. */
      capacity: async (id: string): Promise<{ total: number; available: number }> =>
        (await connection.requestOk('GET', `/v1/runtimes/${encodeURIComponent(id)}/pool`)).json.capacity,
    },
    functions: functionsOf(connection),
    versions: versionsOf(connection),
    aliases: nounOf<AliasRow, AliasFields & { name: string }, AliasFields>(
      connection,
      '/v1/aliases',
      'function_aliases',
    ),
    executions: executionsOf(connection),
    deadLetters: deadLettersOf(connection),
    builds: buildsOf(connection),
    jobs: {
      ...nounOf<JobRow, JobFields, JobChange>(connection, '/v1/jobs', 'jobs'),
      /** A pattern in words, with its next matches. */
      preview: async (query: Pick<JobFields, 'seconds' | 'timezone'> & { pattern: string }): Promise<PatternPreview> =>
        (await connection.requestOk('GET', '/v1/jobs/preview', { query })).json,
    },
    webhooks: {
      ...nounOf<WebhookRow, WebhookFields>(connection, '/v1/webhooks', 'webhooks'),
      deliveries: async (id: string): Promise<DeliveryRow[]> =>
        (await connection.requestOk('GET', deliveriesPath(id))).json.deliveries,
      redeliver: async (id: string, delivery: string): Promise<{ execution_id: string }> =>
        (await connection.requestOk('POST', `${deliveriesPath(id)}/${encodeURIComponent(delivery)}/redeliver`)).json,
    },
    sources: nounOf<SourceRow, SourceFields, SourceChange>(connection, '/v1/sources', 'sources'),
    secrets: nounOf<SecretRow, SecretFields, SecretChange>(connection, '/v1/secrets', 'secrets'),
    limits: {
      /** Default: the caller's own project. */
      get: async (project?: string): Promise<LimitsRow> =>
        (await connection.requestOk('GET', limitsPath(project))).json,
      set: async (project: string, limits: Record<string, number | null>): Promise<LimitsRow> =>
        (await connection.requestOk('PUT', limitsPath(project), { json: limits })).json,
    },
    /** The projects that the caller may see; admins see all. */
    projects: async (): Promise<ProjectRow[]> => (await connection.requestOk('GET', '/v1/projects')).json.projects,
    tokens: tokensOf(connection),
    accessKeys: accessKeysOf(connection),
    whoami: async (): Promise<WhoAmI> => (await connection.requestOk('GET', '/v1/whoami')).json,
    /** The audit log, the newest first. */
    audit: async (query: { limit?: number; marker?: string } = {}): Promise<AuditRow[]> =>
      (await connection.requestOk('GET', '/v1/audit', { query })).json.audit,
    backups: {
      create: async (): Promise<BackupRow> => (await connection.requestOk('POST', '/v1/backups')).json,
      list: async (): Promise<BackupRow[]> => (await connection.requestOk('GET', '/v1/backups')).json.backups,
      /** The file as a stream. */
      open: (name: string): Promise<IncomingMessage> =>
        connection.open('GET', `/v1/backups/${encodeURIComponent(name)}`),
      delete: async (name: string): Promise<void> => {
        await connection.requestOk('DELETE', `/v1/backups/${encodeURIComponent(name)}`)
      },
    },
    /** The workers of all functions (for admins). */
    workers: {
      /** All, and which of them go next. */
      all: async (): Promise<RetainedWorkers> => (await connection.requestOk('GET', '/v1/workers')).json,
      /** Their memory and the starts of calls lately. */
      history: async (): Promise<WorkerHistoryRow> => (await connection.requestOk('GET', '/v1/workers/history')).json,
    },
    /** The images of runtimes and functions on the server's engine (for admins). */
    images: {
      list: async (): Promise<ImageRow[]> => (await connection.requestOk('GET', '/v1/images')).json.images,
      pull: async (image: string): Promise<void> => {
        await connection.requestOk('POST', '/v1/images/pull', { json: { image } })
      },
      /** Removes unused images. */
      prune: async (query: { dry_run?: boolean; other_releases?: boolean } = {}): Promise<PrunedRow> =>
        (await connection.requestOk('POST', '/v1/images/prune', { query })).json,
    },
    registries: {
      list: async (): Promise<RegistryRow[]> => (await connection.requestOk('GET', '/v1/registries')).json.registries,
      logIn: async (registry: string, json: { username: string; password: string }): Promise<RegistryRow> =>
        (await connection.requestOk('PUT', `/v1/registries/${encodeURIComponent(registry)}`, { json })).json,
      logOut: async (registry: string): Promise<void> => {
        await connection.requestOk('DELETE', `/v1/registries/${encodeURIComponent(registry)}`)
      },
    },
    /** Past calls of the whole server, without inputs and outputs (for admins). */
    history: async function* (since: string): AsyncGenerator<HistoryLine> {
      const answer = await connection.open('GET', '/v1/history', { query: { since } })
      if (answer.statusCode !== 200) throw errorOf(answer.statusCode ?? 0, await textOf(answer))
      const { createInterface } = await import('node:readline')
      for await (const line of createInterface({ input: answer })) yield JSON.parse(line)
    },
    /** Problems of the installation, with advice (for admins). */
    health: async (): Promise<HealthRow> => (await connection.requestOk('GET', '/v1/health')).json,
    /** The settings of the server (for admins). */
    settings: async (): Promise<SettingRow[]> => (await connection.requestOk('GET', '/v1/settings')).json.settings,
    stats: async (query: { all_projects?: boolean } = {}): Promise<StatsRow> =>
      (await connection.requestOk('GET', '/v1/stats', { query })).json,
    /** Use of functions. */
    usage: {
      list: async (query: UsageQuery = {}): Promise<UsageList> => {
        return (await connection.requestOk('GET', '/v1/usage', { query: { ...query } })).json
      },
      csv: async (query: UsageQuery = {}): Promise<string> => {
        return (await connection.requestOk('GET', '/v1/usage', { query: { ...query, format: 'csv' } })).text
      },
    },
    /** Server events as they happen; ends when the server closes the stream or the signal aborts. */
    events: (query: { function?: string; log?: boolean }, signal?: AbortSignal): AsyncGenerator<ServerEvent> =>
      readEvents(connection, query, signal),
    /** The server's metrics in the format of Prometheus. */
    metrics: async (): Promise<string> => (await connection.requestOk('GET', '/metrics')).text,
    openapi: async (): Promise<Record<string, unknown>> => (await connection.requestOk('GET', '/openapi.json')).json,
    /** Calls a function by its URL; the response is the function's own, whatever its status. */
    invoke: (name: string, asked: RequestFields & { method?: string; path?: string } = {}): Promise<ApiResponse> =>
      connection.request(asked.method ?? 'POST', addressOf(name, asked.path), asked),
    /** Like `invoke`, for functions that stream: resolves at the head of the response. */
    openInvoke: (
      name: string,
      asked: RequestFields & { method?: string; path?: string } = {},
    ): Promise<IncomingMessage> => connection.open(asked.method ?? 'POST', addressOf(name, asked.path), asked),
    /** Whether the server takes calls now. */
    isReady: (): Promise<boolean> =>
      connection.request('GET', '/readyz', { token: null, signal: AbortSignal.timeout(readyLimitMs) }).then(
        ({ status }) => status === 200,
        () => false,
      ),
    /** Whether the server is a Taibai that accepts our token. */
    knowsUs: (): Promise<boolean> =>
      connection.request('GET', '/v1/runtimes').then(
        ({ json }) => Array.isArray(json?.runtimes),
        () => false,
      ),
    close: (): void => connection.close(),
  }
}

const deliveriesPath = (webhook: string): string => `/v1/webhooks/${encodeURIComponent(webhook)}/deliveries`

const limitsPath = (project?: string): string =>
  project === undefined ? '/v1/limits' : `/v1/projects/${encodeURIComponent(project)}/limits`

const addressOf = (name: string, path = ''): string =>
  `/fn/${encodeURIComponent(name)}${path === '' || path.startsWith('/') ? path : `/${path}`}`
