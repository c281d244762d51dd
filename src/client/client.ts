import type { IncomingMessage } from 'node:http'
import { type Answer, type Asked, Connection, type ConnectionOptions } from './connection.ts'
import { type DeployedBy, type Deploying, deployed, deployingQuery } from './deployment.ts'
import { readEvents, type ServerEvent } from './events.ts'
import { errorOf } from './problems.ts'
import type { AccessKeyFields, AccessKeyRow } from './resources/access-keys.ts'
import type { AliasFields, AliasRow } from './resources/aliases.ts'
import type { AuditRow } from './resources/audit.ts'
import type { BackupRow } from './resources/backups.ts'
import type { BuildRow } from './resources/builds.ts'
import type { ExecutionFields, ExecutionRow } from './resources/executions.ts'
import type { FunctionChange, FunctionFields, FunctionRow, WorkerRow } from './resources/functions.ts'
import type { HealthRow } from './resources/health.ts'
import type { ImageRow, PrunedRow } from './resources/images.ts'
import type { JobChange, JobFields, JobRow, PatternPreview } from './resources/jobs.ts'
import type { LimitsRow, ProjectRow } from './resources/projects.ts'
import type { RegistryRow } from './resources/registries.ts'
import type { ListQuery } from './resources/row.ts'
import type { RuntimeFields, RuntimeRow } from './resources/runtimes.ts'
import type { SecretChange, SecretFields, SecretRow } from './resources/secrets.ts'
import type { SettingRow } from './resources/settings.ts'
import type { SourceChange, SourceFields, SourceRow } from './resources/sources.ts'
import type { HistoryLine, StatsRow } from './resources/stats.ts'
import type { TokenFields, TokenRow, WhoAmI } from './resources/tokens.ts'
import type { UsageList, UsageQuery } from './resources/usage.ts'
import type { VersionRow } from './resources/versions.ts'
import type { DeliveryRow, WebhookFields, WebhookRow } from './resources/webhooks.ts'

/**
 * The API as typed calls: a noun a property, the same verbs for each. What the server refuses is thrown as ApiError, a server
 * that is away as UnreachableError. Names in the place of ids are fine where the API takes them.
 */
export type Client = ReturnType<typeof makeClient>

/** Longest wait of the question whether the server takes calls. */
const readyLimitMs = 2000

export function makeClient(options: ConnectionOptions) {
  const connection = new Connection(options)
  return {
    url: connection.url,
    connection,
    runtimes: {
      ...nounOf<RuntimeRow, RuntimeFields>(connection, '/v1/runtimes', 'runtimes'),
      /** How many workers there are, and how many of them wait for a function. */
      capacity: async (id: string): Promise<{ total: number; available: number }> =>
        (await connection.must('GET', `/v1/runtimes/${id}/pool`)).json.capacity,
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
      /** A pattern in words, and when it matches next. */
      preview: async (query: Pick<JobFields, 'seconds' | 'timezone'> & { pattern: string }): Promise<PatternPreview> =>
        (await connection.must('GET', '/v1/jobs/preview', { query })).json,
    },
    webhooks: {
      ...nounOf<WebhookRow, WebhookFields>(connection, '/v1/webhooks', 'webhooks'),
      deliveries: async (id: string): Promise<DeliveryRow[]> =>
        (await connection.must('GET', `/v1/webhooks/${id}/deliveries`)).json.deliveries,
      redeliver: async (id: string, delivery: string): Promise<{ execution_id: string }> =>
        (await connection.must('POST', `/v1/webhooks/${id}/deliveries/${delivery}/redeliver`)).json,
    },
    sources: nounOf<SourceRow, SourceFields, SourceChange>(connection, '/v1/sources', 'sources'),
    secrets: nounOf<SecretRow, SecretFields, SecretChange>(connection, '/v1/secrets', 'secrets'),
    limits: {
      /** Default: of the own project. */
      get: async (project?: string): Promise<LimitsRow> => (await connection.must('GET', limitsPath(project))).json,
      set: async (project: string, limits: Record<string, number | null>): Promise<LimitsRow> =>
        (await connection.must('PUT', limitsPath(project), { json: limits })).json,
    },
    /** Those that the caller may see: admins all of them. */
    projects: async (): Promise<ProjectRow[]> => (await connection.must('GET', '/v1/projects')).json.projects,
    tokens: tokensOf(connection),
    accessKeys: accessKeysOf(connection),
    whoami: async (): Promise<WhoAmI> => (await connection.must('GET', '/v1/whoami')).json,
    /** Who changed what, the newest first. */
    audit: async (query: { limit?: number; marker?: string } = {}): Promise<AuditRow[]> =>
      (await connection.must('GET', '/v1/audit', { query })).json.audit,
    backups: {
      create: async (): Promise<BackupRow> => (await connection.must('POST', '/v1/backups')).json,
      list: async (): Promise<BackupRow[]> => (await connection.must('GET', '/v1/backups')).json.backups,
      /** The file as it comes. */
      open: (name: string): Promise<IncomingMessage> =>
        connection.open('GET', `/v1/backups/${encodeURIComponent(name)}`),
      delete: async (name: string): Promise<void> => {
        await connection.must('DELETE', `/v1/backups/${encodeURIComponent(name)}`)
      },
    },
    /** The images of runtimes and functions on the server's engine (for admins). */
    images: {
      list: async (): Promise<ImageRow[]> => (await connection.must('GET', '/v1/images')).json.images,
      pull: async (image: string): Promise<void> => {
        await connection.must('POST', '/v1/images/pull', { json: { image } })
      },
      /** Removes what nothing uses. */
      prune: async (query: { dry_run?: boolean; other_releases?: boolean } = {}): Promise<PrunedRow> =>
        (await connection.must('POST', '/v1/images/prune', { query })).json,
    },
    registries: {
      list: async (): Promise<RegistryRow[]> => (await connection.must('GET', '/v1/registries')).json.registries,
      logIn: async (registry: string, json: { username: string; password: string }): Promise<RegistryRow> =>
        (await connection.must('PUT', `/v1/registries/${encodeURIComponent(registry)}`, { json })).json,
      logOut: async (registry: string): Promise<void> => {
        await connection.must('DELETE', `/v1/registries/${encodeURIComponent(registry)}`)
      },
    },
    /** Calls of the whole server as they were, without what went in and out (for admins). */
    history: async function* (since: string): AsyncGenerator<HistoryLine> {
      const answer = await connection.open('GET', '/v1/history', { query: { since } })
      if (answer.statusCode !== 200) throw errorOf(answer.statusCode ?? 0, await textOf(answer))
      const { createInterface } = await import('node:readline')
      for await (const line of createInterface({ input: answer })) yield JSON.parse(line)
    },
    /** What is wrong with the installation, and what to do about it (for admins). */
    health: async (): Promise<HealthRow> => (await connection.must('GET', '/v1/health')).json,
    /** The settings of the server (for admins). */
    settings: async (): Promise<SettingRow[]> => (await connection.must('GET', '/v1/settings')).json.settings,
    stats: async (query: { all_projects?: boolean } = {}): Promise<StatsRow> =>
      (await connection.must('GET', '/v1/stats', { query })).json,
    /** What functions have used. */
    usage: {
      list: async (query: UsageQuery = {}): Promise<UsageList> => {
        return (await connection.must('GET', '/v1/usage', { query: { ...query } })).json
      },
      csv: async (query: UsageQuery = {}): Promise<string> => {
        return (await connection.must('GET', '/v1/usage', { query: { ...query, format: 'csv' } })).text
      },
    },
    /** What happens, as it happens; ends when the server closes it or the signal aborts. */
    events: (query: { function?: string; log?: boolean }, signal?: AbortSignal): AsyncGenerator<ServerEvent> =>
      readEvents(connection, query, signal),
    /** The server's numbers in the format of Prometheus. */
    metrics: async (): Promise<string> => (await connection.must('GET', '/metrics')).text,
    openapi: async (): Promise<Record<string, unknown>> => (await connection.must('GET', '/openapi.json')).json,
    /** Calls a function by its address; the answer is the function's own, whatever its status. */
    invoke: (name: string, asked: Asked & { method?: string; path?: string } = {}): Promise<Answer> =>
      connection.ask(asked.method ?? 'POST', addressOf(name, asked.path), asked),
    /** The same as it begins, for functions that stream. */
    openInvoke: (name: string, asked: Asked & { method?: string; path?: string } = {}): Promise<IncomingMessage> =>
      connection.open(asked.method ?? 'POST', addressOf(name, asked.path), asked),
    /** Whether the server takes calls now. */
    isReady: (): Promise<boolean> =>
      connection.ask('GET', '/readyz', { token: null, signal: AbortSignal.timeout(readyLimitMs) }).then(
        ({ status }) => status === 200,
        () => false,
      ),
    /** Whether the server is a Taibai that accepts our token. */
    knowsUs: (): Promise<boolean> =>
      connection.ask('GET', '/v1/runtimes').then(
        ({ json }) => Array.isArray(json?.runtimes),
        () => false,
      ),
    close: (): void => connection.close(),
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of answer.setEncoding('utf8')) text += piece
  return text
}

const limitsPath = (project?: string): string =>
  project === undefined ? '/v1/limits' : `/v1/projects/${encodeURIComponent(project)}/limits`

/** What every noun can do. */
function nounOf<Shown, New, Change = New>(connection: Connection, path: string, list: string) {
  const at = (id: string): string => `${path}/${encodeURIComponent(id)}`
  return {
    list: async (query: ListQuery = {}): Promise<Shown[]> => (await connection.must('GET', path, { query })).json[list],
    get: async (id: string): Promise<Shown> => (await connection.must('GET', at(id))).json,
    create: async (fields: New): Promise<Shown> => (await connection.must('POST', path, { json: fields })).json,
    update: async (id: string, change: Change): Promise<Shown> =>
      (await connection.must('PUT', at(id), { json: change })).json,
    /** `cascade`: what holds it goes with it. */
    delete: async (id: string, query: { cascade?: boolean } = {}): Promise<void> => {
      await connection.must('DELETE', at(id), { query })
    },
  }
}

const functionPath = (id: string, version?: number): string =>
  `/v1/functions/${encodeURIComponent(id)}${version === undefined ? '' : `/versions/${version}`}`

function functionsOf(connection: Connection) {
  const noun = nounOf<FunctionRow, FunctionFields>(connection, '/v1/functions', 'functions')
  const zipped = (zip: Uint8Array): Asked => ({ body: zip, headers: { 'content-type': 'application/zip' } })
  /** Where the body is the ZIP the fields are texts in the query. */
  const inQuery = ({ code: _code, ...fields }: FunctionFields): NonNullable<Asked['query']> =>
    Object.fromEntries(
      Object.entries(fields)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : value]),
    )
  return {
    ...noun,
    list: async (query: ListQuery = {}): Promise<FunctionRow[]> => (await noun.list(query)).map(withCode),
    /** Unfinished jobs of the function go on with what is new. */
    update: async (id: string, change: FunctionChange, { check }: Deploying = {}): Promise<FunctionRow> =>
      (await connection.must('PUT', functionPath(id), { json: change, query: { check, keep_jobs: true } })).json,
    /** From a package: the contents of a folder as a ZIP. */
    createFromZip: <How extends Deploying = Record<never, never>>(
      fields: FunctionFields,
      zip: Uint8Array,
      how: How = {} as How,
    ): Promise<DeployedBy<How>> => {
      const query = { ...inQuery(fields), ...deployingQuery(how) }
      return deployed(connection, 'POST', '/v1/functions', { ...zipped(zip), query }, how)
    },
    updateWithZip: <How extends Deploying = Record<never, never>>(
      id: string,
      fields: FunctionFields,
      zip: Uint8Array,
      how: How = {} as How,
    ): Promise<DeployedBy<How>> => {
      const query = { ...inQuery(fields), ...deployingQuery(how), keep_jobs: true }
      return deployed(connection, 'PUT', functionPath(id), { ...zipped(zip), query }, how)
    },
    /** The package as a ZIP. */
    download: async (id: string, version?: number): Promise<Buffer> =>
      (await connection.must('GET', functionPath(id, version), { query: { download: true } })).bytes,
    stats: async (id: string): Promise<StatsRow> => (await connection.must('GET', `${functionPath(id)}/stats`)).json,
    workers: async (id: string, version = 0): Promise<WorkerRow[]> =>
      (await connection.must('GET', `${functionPath(id)}/workers`, { query: { function_version: version } })).json
        .workers,
    /** Binds `count` more workers, in the background. */
    scaleUp: async (id: string, count = 1, version?: number): Promise<void> => {
      await connection.must('POST', `${functionPath(id, version)}/scale_up`, { json: { count } })
    },
    scaleDown: async (id: string, count = 1, version?: number): Promise<void> => {
      await connection.must('POST', `${functionPath(id, version)}/scale_down`, { json: { count } })
    },
    /** Removes all workers: the next call starts cold. */
    detach: async (id: string, version?: number): Promise<void> => {
      await connection.must('POST', `${functionPath(id, version)}/detach`)
    },
  }
}

/** Lists have the code as JSON text. */
const withCode = (listed: FunctionRow): FunctionRow => ({
  ...listed,
  code: typeof listed.code === 'string' ? JSON.parse(listed.code) : listed.code,
})

function versionsOf(connection: Connection) {
  const path = (id: string): string => `${functionPath(id)}/versions`
  return {
    list: async (functionId: string, query: ListQuery = {}): Promise<VersionRow[]> =>
      (await connection.must('GET', path(functionId), { query })).json.function_versions,
    get: async (functionId: string, version: number): Promise<VersionRow> =>
      (await connection.must('GET', functionPath(functionId, version))).json,
    /** Freezes the package as it is now. */
    create: async (functionId: string, fields: { description?: string } = {}): Promise<VersionRow> =>
      (await connection.must('POST', path(functionId), { json: fields })).json,
    delete: async (functionId: string, version: number): Promise<void> => {
      await connection.must('DELETE', functionPath(functionId, version))
    },
  }
}

function executionsOf(connection: Connection) {
  const {
    list,
    get,
    create,
    delete: remove,
  } = nounOf<ExecutionRow, ExecutionFields>(connection, '/v1/executions', 'executions')
  return {
    list,
    get,
    create,
    delete: remove,
    /** The run when it is over, or as it is after this number of seconds. */
    wait: async (id: string, seconds: number): Promise<ExecutionRow> =>
      (await connection.must('GET', `/v1/executions/${encodeURIComponent(id)}`, { query: { wait: seconds } })).json,
    /** One that waits does not begin; one at work is told, and ended when it does not end. */
    cancel: async (id: string): Promise<ExecutionRow> =>
      (await connection.must('POST', `/v1/executions/${encodeURIComponent(id)}/cancel`)).json,
    /** What the run printed so far; null: nothing yet. */
    log: async (id: string): Promise<string | null> => {
      const { status, text } = await connection.must('GET', `/v1/executions/${encodeURIComponent(id)}/log`)
      return status === 204 ? null : text
    },
  }
}

/** What was installed for packages, the newest first. */
function buildsOf(connection: Connection) {
  const { list, get } = nounOf<BuildRow, never>(connection, '/v1/builds', 'builds')
  const at = (id: string): string => `/v1/builds/${encodeURIComponent(id)}`
  return {
    list,
    get,
    /** What it has printed so far. */
    log: async (id: string): Promise<string> => (await connection.must('GET', `${at(id)}/log`)).text,
    /** The same and what it prints from now on, to its end. */
    followLog: async function* (id: string, signal?: AbortSignal): AsyncGenerator<string> {
      const asked = { query: { follow: true }, ...(signal && { signal }) }
      const answer = await connection.open('GET', `${at(id)}/log`, asked)
      if (answer.statusCode !== 200) throw errorOf(answer.statusCode ?? 0, await textOf(answer))
      yield* answer.setEncoding('utf8')
    },
    /** Installs again what its package needs, and deploys it; null: nobody waits for that. */
    rebuild: (id: string, how: Deploying = {}): Promise<FunctionRow | null> =>
      deployed(connection, 'POST', `${at(id)}/rebuild`, { query: { async: how.async } }, how),
  }
}

/** Accepted runs that did not succeed and will not be tried again by themselves. */
function deadLettersOf(connection: Connection) {
  const path = '/v1/dead-letters'
  const noun = nounOf<ExecutionRow, never, { input: string | null }>(connection, path, 'dead_letters')
  const many = async (verb: 'redrive' | 'drop', query: ListQuery): Promise<{ done: number; left: number }> =>
    (await connection.must('POST', `${path}/${verb}`, { query })).json
  return {
    list: noun.list,
    get: noun.get,
    /** Its input from now on. */
    update: noun.update,
    redrive: async (id: string, input?: string): Promise<ExecutionRow> => {
      const asked = input === undefined ? {} : { json: { input } }
      return (await connection.must('POST', `${path}/${encodeURIComponent(id)}/redrive`, asked)).json
    },
    drop: (id: string): Promise<void> => noun.delete(id),
    /** Those that the filters find; at least one is needed. */
    redriveAll: (query: ListQuery) => many('redrive', query),
    dropAll: (query: ListQuery) => many('drop', query),
  }
}

function tokensOf(connection: Connection) {
  const noun = nounOf<TokenRow, TokenFields>(connection, '/v1/tokens', 'tokens')
  return {
    list: noun.list,
    delete: noun.delete,
    /** `token` is in this answer and nowhere else. */
    create: async (fields: TokenFields): Promise<TokenRow & { token: string }> =>
      (await connection.must('POST', '/v1/tokens', { json: fields })).json,
    /** As `create`, in the place of one that is good for `grace` seconds yet. */
    rotate: async (
      id: string,
      fields: { grace?: number; expires_in?: number },
    ): Promise<TokenRow & { token: string }> =>
      (await connection.must('POST', `/v1/tokens/${encodeURIComponent(id)}/rotate`, { json: fields })).json,
  }
}

function accessKeysOf(connection: Connection) {
  const path = '/v1/access-keys'
  return {
    list: async (): Promise<AccessKeyRow[]> => (await connection.must('GET', path)).json.access_keys,
    /** `secret_access_key` is in this answer and nowhere else. */
    create: async (fields: AccessKeyFields): Promise<AccessKeyRow & { secret_access_key: string }> =>
      (await connection.must('POST', path, { json: fields })).json,
    delete: async (id: string): Promise<void> => {
      await connection.must('DELETE', `${path}/${encodeURIComponent(id)}`)
    },
  }
}

const addressOf = (name: string, path = ''): string =>
  `/fn/${encodeURIComponent(name)}${path === '' || path.startsWith('/') ? path : `/${path}`}`
