import type { Cli, CommandSpec } from './command.ts'
import { functionNames } from './servers/target.ts'
import { LiveCounts, type LivePicture, type LiveRow } from './terminal/live-counts.ts'
import type { Column } from './terminal/output.ts'
import { milliseconds } from './terminal/table-columns.ts'

const everyMs = 1000
/** Duration of `--once`. */
const onceMs = 2500

export const commands: CommandSpec[] = [
  {
    name: 'top',
    summary: 'show calls, times and starts of the last ten seconds, live, until Ctrl-C',
    options: [['--once', 'show one snapshot and exit']],
    examples: ['taibai top', 'taibai top --once --json'],
    async run(cli, _args, options) {
      const counts = new LiveCounts(cli.now())
      const stop = new AbortController()
      cli.interrupted.addEventListener('abort', () => stop.abort())
      const following = follow(cli, counts, stop.signal)
      try {
        const isOnce = options.once === true || !cli.out.isTerminal
        await Promise.race([following, isOnce ? once(cli, counts) : draw(cli, counts, stop.signal)])
      } finally {
        stop.abort()
        await following.catch(() => {})
      }
    },
  },
]

/** Ends when it is stopped; rejects when the server refuses or goes away. */
async function follow(cli: Cli, counts: LiveCounts, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of cli.client().events({}, signal)) counts.note(event, cli.now())
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function once(cli: Cli, counts: LiveCounts): Promise<void> {
  await cli.sleep(onceMs)
  await show(cli, counts.picture(cli.now()))
}

async function draw(cli: Cli, counts: LiveCounts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const picture = counts.picture(cli.now())
    cli.out.raw('\u001b[H\u001b[2J')
    await show(cli, picture)
    await cli.sleep(everyMs)
  }
}

async function show(cli: Cli, picture: LivePicture): Promise<void> {
  const nameOf = await functionNames(cli.client())
  const functions = picture.functions.map((row) => ({ ...row, name: nameOf(row.function_id) }))
  cli.out.value({ ...picture, functions }, () => {
    cli.out.line(cli.out.style('dim', serverLine(picture)))
    cli.out.line()
    cli.out.rows(functions, columns, 'There were no calls in this time.')
  })
}

function serverLine({ server, missed }: LivePicture): string {
  const { running, queued, jobs, workers } = server
  const states = Object.entries(workers ?? {}).map(([state, count]) => `${count} ${state}`)
  const parts = [
    running !== undefined && `${running} running`,
    queued !== undefined && `${queued} waiting`,
    jobs !== undefined && `${jobs} jobs`,
    workers !== undefined && `workers: ${states.join(', ') || 'none'}`,
    missed > 0 && `${missed} events missed`,
  ]
  return parts.filter((part) => part !== false).join(' · ')
}

const columns: Column<LiveRow & { name: string }>[] = [
  { title: 'FUNCTION', value: ({ name }) => name },
  { title: 'CALLS/S', value: ({ calls_per_second }) => calls_per_second.toFixed(1), right: true },
  { title: 'RUNNING', value: ({ running }) => running, right: true },
  { title: 'FAILED', value: ({ failed }) => failed, right: true },
  { title: 'P50', value: ({ p50_ms }) => milliseconds(p50_ms), right: true },
  { title: 'P99', value: ({ p99_ms }) => milliseconds(p99_ms), right: true },
  { title: 'WARM', value: ({ warm }) => warm, right: true },
  { title: 'PREWARMED', value: ({ prewarmed }) => prewarmed, right: true },
  { title: 'COLD', value: ({ cold }) => cold, right: true },
]
