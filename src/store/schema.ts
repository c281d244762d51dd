import { sql } from 'drizzle-orm'
import { blob, index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { Weights } from '../domain/functions/alias.ts'
import type { BuildStatus } from '../domain/functions/build.ts'
import type { FunctionCode, Network, Recording } from '../domain/functions/function.ts'
import type { Access, FunctionCors } from '../domain/functions/function-access.ts'
import type { LambdaFields } from '../domain/functions/lambda-settings.ts'
import type { WhiskFields, WhiskKind } from '../domain/functions/openwhisk.ts'
import type { RuntimeStatus } from '../domain/functions/runtime.ts'
import type { Signature } from '../domain/functions/signature.ts'
import type { ProjectLimits } from '../domain/platform/limits.ts'
import type { Placement } from '../domain/platform/machine.ts'
import type { Actor } from '../domain/platform/principal.ts'
import type { Scope } from '../domain/platform/scope.ts'
import type { SecretUse } from '../domain/platform/secret.ts'
import type { RetryOptions } from '../domain/runs/retries.ts'
import type { Destination } from '../domain/runs/run-options.ts'
import type { JobStatus, MissedRunPolicy, OverlapPolicy } from '../domain/triggers/job.ts'
import type { SourceEvent, SourceStatus } from '../domain/triggers/source.ts'
import type { WebhookSignature } from '../domain/triggers/webhook-signature.ts'

/**
 * The tables of taibai.db. Keys are named as in the domain, so that a row is a domain value. Times are Unix ms. After a change:
 * `npm run db:generate`.
 */

const created = {
  createdAt: integer('created_at').notNull(),
  updatedAt: integer('updated_at'),
}

export const runtimes = sqliteTable('runtimes', {
  id: text('id').primaryKey(),
  projectId: text('project_id').notNull(),
  name: text('name'),
  description: text('description'),
  image: text('image').notNull(),
  isPublic: integer('is_public', { mode: 'boolean' }).notNull(),
  trusted: integer('trusted', { mode: 'boolean' }).notNull(),
  status: text('status').$type<RuntimeStatus>().notNull(),
  signature: text('signature').$type<Signature>().notNull(),
  minMemoryBytes: integer('min_memory_bytes').notNull(),
  languages: text('languages', { mode: 'json' }).$type<string[]>().notNull(),
  builtin: integer('builtin', { mode: 'boolean' }).notNull(),
  ...created,
})

export const functions = sqliteTable(
  'functions',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    name: text('name'),
    description: text('description'),
    runtimeId: text('runtime_id'),
    code: text('code', { mode: 'json' }).$type<FunctionCode>().notNull(),
    packageHash: text('package_hash'),
    objectEtag: text('object_etag'),
    entry: text('entry'),
    cpuMillicpu: integer('cpu_millicpu').notNull(),
    memoryBytes: integer('memory_bytes').notNull(),
    timeoutSeconds: integer('timeout_seconds').notNull(),
    latestVersion: integer('latest_version').notNull(),
    trustId: text('trust_id'),
    signature: text('signature').$type<Signature>(),
    env: text('env', { mode: 'json' }).$type<Record<string, string>>().notNull(),
    concurrency: integer('concurrency').notNull(),
    minWorkers: integer('min_workers').notNull(),
    maxWorkers: integer('max_workers'),
    idleTimeoutSeconds: integer('idle_timeout_seconds'),
    network: text('network').$type<Network>().notNull(),
    api: integer('api', { mode: 'boolean' }).notNull().default(false),
    cpuMaxMillicpu: integer('cpu_max_millicpu'),
    tmpSizeBytes: integer('tmp_size_bytes'),
    placement: text('placement', { mode: 'json' }).$type<Placement>().notNull().default({}),
    access: text('access').$type<Access>().notNull().default('token'),
    cors: text('cors', { mode: 'json' }).$type<FunctionCors>(),
    hosts: text('hosts', { mode: 'json' }).$type<string[]>().notNull().default([]),
    writable: text('writable', { mode: 'json' }).$type<string[]>().notNull().default([]),
    secrets: text('secrets', { mode: 'json' }).$type<SecretUse[]>().notNull().default([]),
    retries: text('retries', { mode: 'json' }).$type<RetryOptions>(),
    onSuccess: text('on_success', { mode: 'json' }).$type<Destination>(),
    onFailure: text('on_failure', { mode: 'json' }).$type<Destination>(),
    maxRunning: integer('max_running'),
    maxRate: real('max_rate'),
    maxGbSecondsPerDay: real('max_gb_seconds_per_day'),
    sandbox: text('sandbox'),
    record: text('record').$type<Recording>().notNull().default('full'),
    ...created,
  },
  (table) => [
    uniqueIndex('functions_name').on(table.projectId, table.name).where(sql`name is not null`),
    uniqueIndex('functions_public_name').on(table.name).where(sql`access = 'public'`),
    index('functions_runtime').on(table.runtimeId),
  ],
)

export const functionVersions = sqliteTable(
  'function_versions',
  {
    id: text('id').primaryKey(),
    functionId: text('function_id')
      .notNull()
      .references(() => functions.id, { onDelete: 'cascade' }),
    projectId: text('project_id').notNull(),
    number: integer('number').notNull(),
    description: text('description'),
    packageHash: text('package_hash').notNull(),
    md5sum: text('md5sum').notNull(),
    ...created,
  },
  (table) => [uniqueIndex('function_versions_number').on(table.functionId, table.number)],
)

export const aliases = sqliteTable(
  'aliases',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    name: text('name').notNull(),
    description: text('description'),
    functionId: text('function_id').notNull(),
    functionVersion: integer('function_version').notNull(),
    weights: text('weights', { mode: 'json' }).$type<Weights>(),
    ...created,
  },
  (table) => [
    uniqueIndex('aliases_name').on(table.projectId, table.name),
    uniqueIndex('aliases_target').on(table.projectId, table.functionId, table.functionVersion),
    index('aliases_function').on(table.functionId),
  ],
)

export const jobs = sqliteTable(
  'jobs',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    name: text('name'),
    functionId: text('function_id'),
    functionVersion: integer('function_version'),
    functionAlias: text('function_alias'),
    functionInput: text('function_input'),
    status: text('status').$type<JobStatus>().notNull(),
    pattern: text('pattern'),
    timezone: text('timezone').notNull(),
    count: integer('count'),
    overlap: text('overlap').$type<OverlapPolicy>().notNull(),
    missed: text('missed').$type<MissedRunPolicy>().notNull(),
    missedLimit: integer('missed_limit').notNull(),
    firstExecutionTime: integer('first_execution_time'),
    nextExecutionTime: integer('next_execution_time'),
    ...created,
  },
  (table) => [
    index('jobs_function').on(table.functionId),
    index('jobs_alias').on(table.projectId, table.functionAlias),
    index('jobs_running').on(table.createdAt).where(sql`status = 'running'`),
  ],
)

export const webhooks = sqliteTable(
  'webhooks',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    functionId: text('function_id'),
    functionVersion: integer('function_version'),
    functionAlias: text('function_alias'),
    description: text('description'),
    sync: integer('sync', { mode: 'boolean' }).notNull().default(false),
    signature: text('signature', { mode: 'json' }).$type<WebhookSignature>(),
    maxRate: real('max_rate'),
    ...created,
  },
  (table) => [
    index('webhooks_function').on(table.functionId),
    index('webhooks_alias').on(table.projectId, table.functionAlias),
  ],
)

export const sources = sqliteTable(
  'sources',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    name: text('name'),
    type: text('type').$type<'swift'>().notNull(),
    container: text('container').notNull(),
    prefix: text('prefix'),
    events: text('events', { mode: 'json' }).$type<SourceEvent[]>().notNull(),
    functionId: text('function_id'),
    functionVersion: integer('function_version'),
    functionAlias: text('function_alias'),
    intervalSeconds: integer('interval_seconds').notNull(),
    status: text('status').$type<SourceStatus>().notNull(),
    sinceMs: integer('since_ms').notNull(),
    ...created,
  },
  (table) => [
    index('sources_function').on(table.functionId),
    index('sources_alias').on(table.projectId, table.functionAlias),
  ],
)

/** The objects that each source has reported. */
export const sourceObjects = sqliteTable(
  'source_objects',
  {
    sourceId: text('source_id')
      .notNull()
      .references(() => sources.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    etag: text('etag').notNull(),
    bytes: integer('bytes').notNull(),
    lastModified: text('last_modified').notNull(),
  },
  (table) => [primaryKey({ columns: [table.sourceId, table.name] })],
)

export const secrets = sqliteTable(
  'secrets',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    name: text('name').notNull(),
    description: text('description'),
    latestVersion: integer('latest_version').notNull(),
    ...created,
  },
  (table) => [uniqueIndex('secrets_name').on(table.projectId, table.name)],
)

export const secretVersions = sqliteTable(
  'secret_versions',
  {
    secretId: text('secret_id')
      .notNull()
      .references(() => secrets.id, { onDelete: 'cascade' }),
    number: integer('number').notNull(),
    sealed: blob('sealed', { mode: 'buffer' }).notNull(),
    keyId: text('key_id').notNull(),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.secretId, table.number] })],
)

export const projectLimits = sqliteTable('project_limits', {
  projectId: text('project_id').primaryKey(),
  limits: text('limits', { mode: 'json' }).$type<Partial<ProjectLimits>>().notNull(),
  updatedAt: integer('updated_at').notNull(),
})

export const tokens = sqliteTable('tokens', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  hash: text('hash').notNull().unique(),
  projectId: text('project_id').notNull(),
  roles: text('roles', { mode: 'json' }).$type<string[]>().notNull(),
  /** Null: everything that its roles allow. */
  scopes: text('scopes', { mode: 'json' }).$type<Scope[]>(),
  /** Null: any function. */
  functionId: text('function_id'),
  createdAt: integer('created_at').notNull(),
  expiresAt: integer('expires_at'),
  lastUsedAt: integer('last_used_at'),
  /** Hash of the token before the last rotation, and its expiry. */
  previousHash: text('previous_hash'),
  previousUntil: integer('previous_until'),
})

/** The audit log; ids are in the order of time. */
export const audit = sqliteTable('audit', {
  id: text('id').primaryKey(),
  at: integer('at').notNull(),
  whoKind: text('who_kind').$type<Actor['kind']>().notNull(),
  whoId: text('who_id'),
  whoName: text('who_name'),
  projectId: text('project_id').notNull(),
  action: text('action').notNull(),
  method: text('method').notNull(),
  path: text('path').notNull(),
  subjectId: text('subject_id'),
  subjectName: text('subject_name'),
  status: integer('status').notNull(),
  address: text('address'),
})

/** Builds of packages; ids are in the order of time. */
export const builds = sqliteTable(
  'builds',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    functionId: text('function_id'),
    functionName: text('function_name'),
    runtimeName: text('runtime_name'),
    packageHash: text('package_hash'),
    bundle: integer('bundle', { mode: 'boolean' }).notNull().default(false),
    list: text('list').notNull(),
    status: text('status').$type<BuildStatus>().notNull(),
    cached: integer('cached', { mode: 'boolean' }).notNull(),
    sizeBytes: integer('size_bytes'),
    error: text('error'),
    log: text('log').notNull().default(''),
    createdAt: integer('created_at').notNull(),
    endedAt: integer('ended_at'),
  },
  (table) => [index('builds_project').on(table.projectId, table.id)],
)

export const accessKeys = sqliteTable('access_keys', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  tokenId: text('token_id').references(() => tokens.id, { onDelete: 'cascade' }),
  projectId: text('project_id').notNull(),
  sealedSecret: text('sealed_secret').notNull(),
  createdAt: integer('created_at').notNull(),
})

export const lambdaSettings = sqliteTable('lambda_settings', {
  functionId: text('function_id')
    .primaryKey()
    .references(() => functions.id, { onDelete: 'cascade' }),
  projectId: text('project_id').notNull(),
  settings: text('settings', { mode: 'json' }).$type<LambdaFields>().notNull(),
  updatedAt: integer('updated_at').notNull(),
})

export const whiskEntities = sqliteTable(
  'whisk_entities',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    kind: text('kind').$type<WhiskKind>().notNull(),
    name: text('name').notNull(),
    functionId: text('function_id').references(() => functions.id, { onDelete: 'cascade' }),
    fields: text('fields', { mode: 'json' }).$type<WhiskFields>().notNull(),
    writes: integer('writes').notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  (table) => [
    uniqueIndex('whisk_entities_name').on(table.projectId, table.kind, table.name),
    index('whisk_entities_function').on(table.functionId),
  ],
)
