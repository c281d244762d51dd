import type { Durations } from '../../domain/durations.ts'
import type { LedgerGauges, PoolGauges } from '../../domain/platform/gauges.ts'
import { phaseNames, type Tally } from '../../services/runs/stats.ts'
import type { RefusalCounters } from '../error-response.ts'

/** Current values, in addition to counters. */
export interface Gauges {
  running: number
  queued: number
  /** Jobs with a timer. */
  jobs: number
  jobLateness: Durations
  workers: { state: string }[]
  pool: PoolGauges
  ledger: LedgerGauges
  /** Free bytes of the data folder's disk. */
  freeBytes: number
  /** The part of the free bytes that is reserved. */
  reserveBytes: number
  engineIsUp: boolean
  version: string
}

/** Bounds of the buckets as powers of two in µs: a quarter of a millisecond to a minute. */
const exponents = [8, 10, 12, 14, 16, 18, 20, 22, 24, 26]

/** The server's metrics in the text format of Prometheus. No label grows with the number of functions. */
export function metricsText(tally: Tally, gauges: Gauges, refusals: RefusalCounters, processNow = process): string {
  return [
    ...ofExecutions(tally),
    ...ofWork(gauges),
    ...ofPool(gauges),
    ...ofStorage(gauges),
    ...family('taibai_refusals_total', 'counter', 'Requests that were answered with an error, by its code.', [
      ...[...refusals.entries()].map(([code, count]): Sample => [`{code="${code}"}`, count]),
    ]),
    ...ofProcess(gauges.version, processNow),
    '',
  ].join('\n')
}

const ofExecutions = ({ success, failed, error, starts, coldReasons, busyGbSeconds, phases }: Tally): string[] => [
  ...family('taibai_executions_total', 'counter', 'Executions that ended, by status.', [
    ['{status="success"}', success],
    ['{status="failed"}', failed],
    ['{status="error"}', error],
  ]),
  ...family('taibai_starts_total', 'counter', 'Executions by the kind of worker that they got.', [
    ...Object.entries(starts).map(([kind, count]): Sample => [`{kind="${kind}"}`, count]),
  ]),
  ...family('taibai_cold_starts_total', 'counter', 'Executions that waited for a container, by reason.', [
    ...[...coldReasons].map(([reason, count]): Sample => [`{reason="${reason}"}`, count]),
  ]),
  ...family('taibai_phase_seconds', 'histogram', 'How long each phase of an execution took.', [
    ...phaseNames.flatMap((phase) => histogram(phases[phase], `phase="${phase}"`)),
  ]),
  ...family('taibai_busy_gb_seconds_total', 'counter', 'Memory reserved for runs times their duration.', [
    ['', busyGbSeconds],
  ]),
]

const ofWork = ({ running, queued, jobs, jobLateness }: Gauges): string[] => [
  ...family('taibai_running', 'gauge', 'Executions that are running.', [['', running]]),
  ...family('taibai_queued', 'gauge', 'Accepted executions that wait.', [['', queued]]),
  ...family('taibai_jobs', 'gauge', 'Jobs with a next time.', [['', jobs]]),
  ...family('taibai_job_lateness_seconds', 'histogram', 'How long after their time runs of jobs were made.', [
    ...histogram(jobLateness),
  ]),
]

const ofPool = ({ workers, pool, engineIsUp }: Gauges): string[] => [
  ...family('taibai_workers', 'gauge', 'Workers by state.', workerSamples(workers)),
  ...family('taibai_waiting_calls', 'gauge', 'Calls that wait for a worker.', [['', pool.waitingCalls]]),
  ...family('taibai_memory_reserved_bytes', 'gauge', 'Memory limits of all workers together.', [
    ['', pool.reservedBytes],
  ]),
  ...family('taibai_memory_budget_bytes', 'gauge', 'Maximum of the memory limits of all workers together.', [
    ['', pool.budgetBytes],
  ]),
  ...family('taibai_engine_up', 'gauge', 'Whether the engine that starts workers answers.', [['', engineIsUp ? 1 : 0]]),
]

const ofStorage = ({ ledger, freeBytes, reserveBytes }: Gauges): string[] => [
  ...family('taibai_ledger_commit_seconds', 'histogram', 'How long batches of records took to be on disk.', [
    ...histogram(ledger.commits),
  ]),
  ...family('taibai_ledger_pending_bytes', 'gauge', 'Records on their way to the disk.', [['', ledger.pendingBytes]]),
  ...family('taibai_ledger_lost_total', 'counter', 'Executions that could not be recorded.', [['', ledger.lostRows]]),
  ...family('taibai_ledger_failing', 'gauge', 'Whether the disk refused the most recent records.', [
    ['', ledger.isFailing ? 1 : 0],
  ]),
  ...family('taibai_data_free_bytes', 'gauge', 'Free space where the data folder lies.', [['', freeBytes]]),
  ...family('taibai_data_reserve_bytes', 'gauge', 'Free space below which nothing new is accepted.', [
    ['', reserveBytes],
  ]),
]

function ofProcess(version: string, processNow: NodeJS.Process): string[] {
  const { user, system } = processNow.cpuUsage()
  const started = Date.now() / 1000 - processNow.uptime()
  return [
    ...family('taibai_info', 'gauge', 'The version of the server; always 1.', [[`{version="${version}"}`, 1]]),
    ...family('process_resident_memory_bytes', 'gauge', 'Memory of the server itself.', [
      ['', processNow.memoryUsage.rss()],
    ]),
    ...family('process_cpu_seconds_total', 'counter', 'CPU time of the server itself.', [['', (user + system) / 1e6]]),
    ...family('process_start_time_seconds', 'gauge', 'When the server started.', [['', started]]),
  ]
}

type Sample = [labels: string, value: number, suffix?: string]

function family(name: string, type: string, help: string, samples: Sample[]): string[] {
  const lines = samples.map(([labels, value, suffix = '']) => `${name}${suffix}${labels} ${value}`)
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines]
}

function histogram(durations: Durations, labels = ''): Sample[] {
  const among = labels === '' ? '' : `${labels},`
  const alone = labels === '' ? '' : `{${labels}}`
  return [
    ...exponents.map((exponent): Sample => {
      return [`{${among}le="${2 ** exponent / 1e6}"}`, durations.below(exponent), '_bucket']
    }),
    [`{${among}le="+Inf"}`, durations.count, '_bucket'],
    [alone, durations.sumMs / 1000, '_sum'],
    [alone, durations.count, '_count'],
  ]
}

function workerSamples(workers: { state: string }[]): Sample[] {
  const counts = new Map<string, number>()
  for (const { state } of workers) counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts].map(([state, count]) => [`{state="${state}"}`, count])
}
