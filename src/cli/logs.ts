import type { ExecutionRow } from '../client/resources.ts'
import { type Cli, type CommandSpec, given, numberOption, type Options, textOption } from './command.ts'
import { timeText } from './shown.ts'
import { findFunction } from './target.ts'

/** How often new runs and new lines are asked for while following. */
const followMs = 500
const usualRuns = 10

export const commands: CommandSpec[] = [
  {
    name: 'logs',
    summary: 'show what the runs of a function printed',
    arguments: [['<function>', 'its name or id']],
    options: [
      ['-f, --follow', 'go on showing what it prints until Ctrl-C'],
      ['--execution <id>', 'only of this run'],
      ['--limit <runs>', `of how many of the newest runs; default: ${usualRuns}`],
    ],
    examples: ['taibai logs greet', 'taibai logs greet -f'],
    async run(cli, args, options) {
      const fn = await findFunction(cli.client(), given(args, 0))
      const shown = new Map<string, number>()
      let rows = await runsOf(cli, fn.id, options)
      for (const row of rows) await showNew(cli, row, shown)
      if (shown.size === 0 && options.follow !== true) cli.out.line('It has not run yet.')
      while (options.follow === true && !cli.interrupted.aborted) {
        await cli.sleep(followMs)
        rows = await runsOf(cli, fn.id, options)
        for (const row of rows) await showNew(cli, row, shown)
      }
    },
  },
]

async function runsOf(cli: Cli, functionId: string, options: Options): Promise<ExecutionRow[]> {
  const id = textOption(options, 'execution')
  if (id !== undefined) return [await cli.client().executions.get(id)]
  const limit = numberOption(options, 'limit', '--limit') ?? usualRuns
  return (await cli.client().executions.list({ function_id: functionId })).slice(-limit)
}

/** The lines that were not shown yet. A run that has ended is asked once more and then never again. */
async function showNew(cli: Cli, row: ExecutionRow, shown: Map<string, number>): Promise<void> {
  const before = shown.get(row.id)
  if (before === Number.POSITIVE_INFINITY) return
  const log = (await cli.client().executions.log(row.id)) ?? ''
  const lines = log.split('\n').slice(1).join('\n')
  const text = lines.slice(before ?? 0)
  if (cli.out.json) {
    if (text !== '' || before === undefined) {
      cli.out.raw(`${JSON.stringify({ execution: row.id, status: row.status, at: row.created_at, text })}\n`)
    }
  } else {
    const head = `${timeText(row.created_at)}  ${row.status}  ${row.id}`
    if (before === undefined) cli.out.line(cli.out.style('dim', head))
    if (text !== '') cli.out.raw(text.endsWith('\n') ? text : `${text}\n`)
    if (row.error !== null)
      cli.out.line(cli.out.style('red', row.error.stack ?? `${row.error.type}: ${row.error.message}`))
  }
  shown.set(row.id, row.status === 'running' ? lines.length : Number.POSITIVE_INFINITY)
}
