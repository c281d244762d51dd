import { phaseNames, type Tally } from '../services/runs/stats.ts'

/** What is so now, beside what was counted. */
export interface Gauges {
  running: number
  queued: number
  /** Jobs with a timer. */
  jobs: number
  workers: { state: string }[]
  engineIsUp: boolean
}

/** Bounds of the buckets as powers of two in µs: a quarter of a millisecond to a minute. */
const exponents = [8, 10, 12, 14, 16, 18, 20, 22, 24, 26]

/** The numbers of the whole server in the text format of Prometheus. No label grows with the number of functions. */
export function metricsText(tally: Tally, gauges: Gauges, processNow: NodeJS.Process = process): string {
  const { success, failed, error, starts, coldReasons, busyGbSeconds } = tally
  const memory = processNow.memoryUsage.rss()
  const { user, system } = processNow.cpuUsage()
  const started = Date.now() / 1000 - processNow.uptime()
  return [
    ...family('taibai_executions_total', 'counter', 'Executions that ended, by how.', [
      ['{status="success"}', success],
      ['{status="failed"}', failed],
      ['{status="error"}', error],
    ]),
    ...family('taibai_starts_total', 'counter', 'Executions by the kind of worker that they got.', [
      ...Object.entries(starts).map(([kind, count]): Sample => [`{kind="${kind}"}`, count]),
    ]),
    ...family('taibai_cold_starts_total', 'counter', 'Executions that waited for a container, by why.', [
      ...[...coldReasons].map(([reason, count]): Sample => [`{reason="${reason}"}`, count]),
    ]),
    ...family('taibai_phase_seconds', 'histogram', 'How long each phase of an execution took.', phaseSamples(tally)),
    ...family('taibai_busy_gb_seconds_total', 'counter', 'Memory reserved for runs times their duration.', [
      ['', busyGbSeconds],
    ]),
    ...family('taibai_running', 'gauge', 'Executions at work.', [['', gauges.running]]),
    ...family('taibai_queued', 'gauge', 'Accepted executions that wait.', [['', gauges.queued]]),
    ...family('taibai_jobs', 'gauge', 'Jobs with a next time.', [['', gauges.jobs]]),
    ...family('taibai_workers', 'gauge', 'Workers by state.', workerSamples(gauges.workers)),
    ...family('taibai_engine_up', 'gauge', 'Whether the engine that starts workers answers.', [
      ['', gauges.engineIsUp ? 1 : 0],
    ]),
    ...family('process_resident_memory_bytes', 'gauge', 'Memory of the server itself.', [['', memory]]),
    ...family('process_cpu_seconds_total', 'counter', 'CPU time of the server itself.', [['', (user + system) / 1e6]]),
    ...family('process_start_time_seconds', 'gauge', 'When the server started.', [['', started]]),
    '',
  ].join('\n')
}

type Sample = [labels: string, value: number, suffix?: string]

function family(name: string, type: string, help: string, samples: Sample[]): string[] {
  const lines = samples.map(([labels, value, suffix = '']) => `${name}${suffix}${labels} ${value}`)
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines]
}

const phaseSamples = (tally: Tally): Sample[] =>
  phaseNames.flatMap((phase): Sample[] => {
    const durations = tally.phases[phase]
    const bounds = exponents.map(
      (exponent): Sample => [`{phase="${phase}",le="${2 ** exponent / 1e6}"}`, durations.below(exponent), '_bucket'],
    )
    return [
      ...bounds,
      [`{phase="${phase}",le="+Inf"}`, durations.count, '_bucket'],
      [`{phase="${phase}"}`, durations.sumMs / 1000, '_sum'],
      [`{phase="${phase}"}`, durations.count, '_count'],
    ]
  })

function workerSamples(workers: { state: string }[]): Sample[] {
  const counts = new Map<string, number>()
  for (const { state } of workers) counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts].map(([state, count]) => [`{state="${state}"}`, count])
}
