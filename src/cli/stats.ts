import type { StatsRow } from '../client/resources.ts'
import type { Cli, CommandSpec } from './command.ts'
import { milliseconds, timeText } from './shown.ts'
import { findFunction } from './target.ts'

const everyMs = 1000

export const commands: CommandSpec[] = [
  {
    name: 'stats',
    summary: 'show counts, times and cold starts of the project, or of a function',
    arguments: [['[function]', 'its name or id']],
    options: [['--all-projects', 'of the whole server (for admins)']],
    examples: ['taibai stats', 'taibai stats greet'],
    async run(cli, args, options) {
      const stats = await statsOf(cli, args[0] as string | undefined, options.allProjects === true)
      cli.out.value(stats, () => showStats(cli, stats))
    },
  },
  {
    name: 'top',
    summary: 'show calls, times and starts live, until Ctrl-C',
    options: [['--once', 'show one picture and end']],
    examples: ['taibai top', 'taibai top --once --json'],
    async run(cli, _args, options) {
      let before = await picture(cli)
      if (options.once === true || !cli.out.isTerminal) {
        await cli.sleep(everyMs)
        return show(cli, await picture(cli), before)
      }
      while (!cli.interrupted.aborted) {
        await cli.sleep(everyMs)
        const now = await picture(cli)
        cli.out.raw('\u001b[H\u001b[2J')
        show(cli, now, before)
        before = now
      }
    },
  },
]

interface Picture {
  atMs: number
  functions: { name: string; stats: StatsRow }[]
}

async function picture(cli: Cli): Promise<Picture> {
  const client = cli.client()
  const functions = await client.functions.list()
  const rows = await Promise.all(
    functions.map(async ({ id, name }) => ({ name: name ?? id, stats: await client.functions.stats(id) })),
  )
  return { atMs: cli.now(), functions: rows }
}

function show(cli: Cli, now: Picture, before: Picture): void {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000)
  const earlier = new Map(before.functions.map(({ name, stats }) => [name, stats.executions]))
  const rows = now.functions
    .map(({ name, stats }) => ({
      name,
      stats,
      perSecond: Math.max(0, stats.executions - (earlier.get(name) ?? 0)) / seconds,
    }))
    .sort((a, b) => b.perSecond - a.perSecond || b.stats.executions - a.stats.executions)
  type Row = (typeof rows)[number]
  const columns = [
    { title: 'FUNCTION', value: (row: Row) => row.name },
    { title: 'CALLS/S', value: (row: Row) => row.perSecond.toFixed(1), right: true },
    { title: 'CALLS', value: (row: Row) => row.stats.executions, right: true },
    { title: 'FAILED', value: (row: Row) => row.stats.failed + row.stats.error, right: true },
    { title: 'P50', value: (row: Row) => milliseconds(row.stats.phases.total?.p50), right: true },
    { title: 'P99', value: (row: Row) => milliseconds(row.stats.phases.total?.p99), right: true },
    { title: 'WARM', value: (row: Row) => row.stats.starts.warm, right: true },
    { title: 'PREWARMED', value: (row: Row) => row.stats.starts.prewarmed, right: true },
    { title: 'COLD', value: (row: Row) => row.stats.starts.cold, right: true },
  ]
  cli.out.rows(rows, columns, 'There are no functions yet.')
}

async function statsOf(cli: Cli, name: string | undefined, allProjects: boolean): Promise<StatsRow> {
  const client = cli.client()
  if (name === undefined) return client.stats(allProjects ? { all_projects: true } : {})
  return client.functions.stats((await findFunction(client, name)).id)
}

function showStats({ out }: Cli, stats: StatsRow): void {
  const { starts, gb_seconds } = stats
  out.fields([
    ['since', timeText(stats.since)],
    ['executions', stats.executions],
    ['failed', `${stats.failed + stats.error} (${percent(stats.error_rate)})`],
    [
      'starts',
      `${starts.warm} warm, ${starts.prewarmed} prewarmed, ${starts.cold} cold (${percent(stats.cold_ratio)})`,
    ],
    [
      'cold because',
      Object.entries(stats.cold_reasons)
        .map(([reason, { count }]) => `${reason} ${count}`)
        .join(', '),
    ],
    ['busy', `${gb_seconds.busy} GB-seconds`],
  ])
  const rows = Object.entries(stats.phases)
  out.line()
  out.rows(
    rows,
    [
      { title: 'PHASE', value: ([name]) => name },
      { title: 'P50', value: ([, { p50 }]) => milliseconds(p50), right: true },
      { title: 'P95', value: ([, { p95 }]) => milliseconds(p95), right: true },
      { title: 'P99', value: ([, { p99 }]) => milliseconds(p99), right: true },
    ],
    '',
  )
}

const percent = (share: number | null): string => (share === null ? 'none ran' : `${(share * 100).toFixed(2)} %`)
