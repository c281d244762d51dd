import type { StatsRow } from '../client/resources/stats.ts'
import type { Cli, CommandSpec } from './command.ts'
import { findFunction } from './servers/target.ts'
import { milliseconds, timeText } from './terminal/table-columns.ts'

export const commands: CommandSpec[] = [
  {
    name: 'stats',
    summary: 'show counts, times and cold starts of the project, or of a function',
    arguments: [['[function]', 'its name or id']],
    options: [['--all-projects', 'figures of the whole server (for admins)']],
    examples: ['taibai stats', 'taibai stats greet'],
    async run(cli, args, options) {
      const stats = await statsOf(cli, args[0] as string | undefined, options.allProjects === true)
      cli.out.value(stats, () => showStats(cli, stats))
    },
  },
]

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
