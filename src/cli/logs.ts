import type { ExecutionRow } from '../client/resources/executions.ts'
import { argumentAt, type Cli, type CommandSpec, numberOption, textOption } from './command.ts'
import { findFunction } from './servers/target.ts'
import { timeText } from './terminal/table-columns.ts'

const usualRuns = 10
/** Pause before reconnecting when the server ended the stream. */
const againMs = 1000

export const commands: CommandSpec[] = [
  {
    name: 'logs',
    summary: "show the output of a function's executions",
    arguments: [['<function>', 'its name or id']],
    options: [
      ['-f, --follow', 'follow its output until Ctrl-C'],
      ['--execution <id>', 'only of this run'],
      ['--limit <runs>', `number of the newest runs; default: ${usualRuns}`],
    ],
    examples: ['taibai logs greet', 'taibai logs greet -f'],
    async run(cli, args, options) {
      const fn = await findFunction(cli.client(), argumentAt(args, 0))
      const id = textOption(options, 'execution')
      const rows =
        id === undefined
          ? await newest(cli, fn.id, numberOption(options, 'limit', '--limit') ?? usualRuns)
          : [await cli.client().executions.get(id)]
      for (const row of rows) {
        const log = (await cli.client().executions.log(row.id)) ?? ''
        showHead(cli, row)
        showText(cli, row.id, log.split('\n').slice(1).join('\n'))
        showError(cli, row)
      }
      if (options.follow === true) return follow(cli, fn.id, id)
      if (rows.length === 0) cli.out.line('It has not run yet.')
    },
  },
]

/** Newest last, as is usual in a terminal. */
async function newest(cli: Cli, functionId: string, limit: number): Promise<ExecutionRow[]> {
  if (limit === 0) return []
  return (await cli.client().executions.list({ function_id: functionId, order: 'newest', limit })).reverse()
}

/** Follows from now on, and reconnects after a restart of the server. */
async function follow(cli: Cli, functionId: string, id: string | undefined): Promise<void> {
  while (!cli.interrupted.aborted) {
    try {
      for await (const { event, data } of cli.client().events({ function: functionId, log: true }, cli.interrupted)) {
        if (event === 'missed')
          cli.out.warn(`${data.events} events were missed: this terminal is slower than the function.`)
        if (event === 'log' && (id ?? data.execution) === data.execution) showText(cli, data.execution, data.text)
        if (event === 'execution' && (id ?? data.id) === data.id) {
          if (data.status === 'running') showHead(cli, data)
          else showError(cli, data)
        }
      }
    } catch (error) {
      if (cli.interrupted.aborted) return
      if ((error as { status?: number }).status !== undefined) throw error
    }
    await cli.sleep(againMs)
  }
}

function showHead(cli: Cli, row: ExecutionRow): void {
  if (cli.out.json) cli.out.raw(`${JSON.stringify({ execution: row.id, status: row.status, at: row.created_at })}\n`)
  else cli.out.line(cli.out.style('dim', `${timeText(row.created_at)}  ${row.status}  ${row.id}`))
}

function showText(cli: Cli, execution: string, text: string): void {
  if (text === '') return
  if (cli.out.json) cli.out.raw(`${JSON.stringify({ execution, text })}\n`)
  else cli.out.raw(text.endsWith('\n') ? text : `${text}\n`)
}

function showError(cli: Cli, { id, status, error }: ExecutionRow): void {
  if (error === null) return
  if (cli.out.json) cli.out.raw(`${JSON.stringify({ execution: id, status, error })}\n`)
  else cli.out.line(cli.out.style('red', error.stack ?? `${error.type}: ${error.message}`))
}
