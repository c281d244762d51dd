import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/**
 * The tables of ledger.db, for generating migrations: the ledger itself uses prepared statements. Small columns come first and
 * possibly large ones last, so that SQLite reads their overflow pages only on demand. Each index costs every run in it; with
 * these indexes any list finds its first row at once, and `id` only breaks ties in time.
 */
export const executions = sqliteTable(
  'executions',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    functionId: text('function_id').notNull(),
    functionVersion: integer('function_version').notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at'),
    status: text('status').notNull(),
    isSync: integer('is_sync').notNull(),
    trigger: text('trigger').notNull(),
    inputKind: text('input_kind').notNull(),
    isImageRun: integer('is_image_run').notNull(),
    attempt: integer('attempt').notNull(),
    startKind: text('start_kind'),
    coldReason: text('cold_reason'),
    worker: text('worker'),
    durationMs: real('duration_ms'),
    queueMs: real('queue_ms'),
    acquireMs: real('acquire_ms'),
    loadMs: real('load_ms'),
    runMs: real('run_ms'),
    totalMs: real('total_ms'),
    memoryPeakMb: real('memory_peak_mb'),
    cpuMs: real('cpu_ms'),
    functionAlias: text('function_alias'),
    description: text('description'),
    error: text('error'),
    input: text('input'),
    output: text('output'),
    log: text('log').notNull(),
    // Added later, therefore last; null unless the worker had been paused, so reading it rarely needs overflow pages.
    resumeMs: real('resume_ms'),
    // Added later, too: null unless a job, a webhook or a source started the run.
    triggerId: text('trigger_id'),
    // Added later: null unless it is an unfinished accepted run of a webhook.
    request: text('request'),
    // Added later: null for most runs.
    terms: text('terms'),
    runAt: integer('run_at'),
    deadAt: integer('dead_at'),
    delivery: text('delivery'),
    deliverAt: integer('deliver_at'),
    outputs: text('outputs'),
  },
  (table) => [
    index('executions_time').on(table.createdAt),
    index('executions_project').on(table.projectId, table.createdAt),
    index('executions_function').on(table.functionId, table.createdAt),
    index('executions_trigger').on(table.triggerId, table.createdAt).where(sql`trigger_id is not null`),
    index('executions_running').on(table.createdAt).where(sql`status = 'running'`),
    index('executions_dead').on(table.createdAt).where(sql`dead_at is not null`),
    index('executions_undelivered').on(table.deliverAt).where(sql`deliver_at is not null`),
  ],
)

/** Use of functions. */
export const usage = sqliteTable(
  'usage',
  {
    day: text('day').notNull(),
    projectId: text('project_id').notNull(),
    functionId: text('function_id').notNull(),
    calls: integer('calls').notNull(),
    busyGbSeconds: real('busy_gb_seconds').notNull(),
    idleGbSeconds: real('idle_gb_seconds').notNull(),
    cpuSeconds: real('cpu_seconds').notNull(),
    bytesIn: integer('bytes_in').notNull(),
    bytesOut: integer('bytes_out').notNull(),
  },
  (table) => [primaryKey({ columns: [table.day, table.projectId, table.functionId] })],
)

/** Number of executions that a function version ever had, including deleted and pruned ones. */
export const counters = sqliteTable(
  'counters',
  {
    functionId: text('function_id').notNull(),
    functionVersion: integer('function_version').notNull(),
    count: integer('count').notNull(),
    lastAt: integer('last_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.functionId, table.functionVersion] })],
)
