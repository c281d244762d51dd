import type { Client } from '../client/client.ts'
import { explanationOf } from '../client/explanation.ts'
import type { ExecutionRow } from '../client/resources/executions.ts'
import type { ListQuery } from '../client/resources/row.ts'
import {
  argumentAt,
  type Cli,
  type CommandSpec,
  numberOption,
  type Options,
  textOption,
  usageError,
} from './command.ts'
import { findFunction, functionNames, withNames } from './servers/target.ts'
import { showPhases } from './terminal/phases-bar.ts'
import { executionColumns, targetText, timeText } from './terminal/table-columns.ts'

const usualRows = 20

export const commands: CommandSpec[] = [
  {
    name: 'executions',
    summary: 'list executions, the newest last; with an id, show one in full',
    arguments: [['[execution]', 'id of a run']],
    options: [
      ['--function <name>', 'only of this function'],
      ['--status <status>', 'only running, success, failed or error'],
      ['--limit <rows>', `how many of the newest; default: ${usualRows}`],
    ],
    examples: [
      'taibai executions --function greet --status failed',
      'taibai executions 0197c0de-0000-7000-8000-000000000000',
    ],
    async run(cli, args, options) {
      if (typeof args[0] === 'string') return showOne(cli, args[0])
      const rows = await newest(cli, options)
      if (cli.out.json) return cli.out.rows(rows, executionColumns, '')
      cli.out.rows(await withNames(cli.client(), rows), executionColumns, 'Nothing ran yet.')
    },
  },
  {
    name: 'cancel',
    summary: 'cancel a run: a waiting one does not begin; the function of a running one is notified, then stopped',
    arguments: [['<execution>', 'id of a run']],
    examples: ['taibai cancel 0197c0de-0000-7000-8000-000000000000'],
    async run(cli, args) {
      const row = await cli.client().executions.cancel(argumentAt(args, 0))
      const how = row.status === 'running' ? 'is told to end' : `is over: ${row.status}`
      cli.out.value(row, () => cli.out.line(`${row.id} ${how}.`))
    },
  },
  {
    name: 'explain',
    summary: 'explain why a run was slow, cold or failed, and what to change',
    arguments: [['<execution>', 'id of a run']],
    examples: ['taibai explain 0197c0de-0000-7000-8000-000000000000'],
    async run(cli, args) {
      const client = cli.client()
      const row = await findExecution(client, argumentAt(args, 0))
      const fn = await client.functions.get(row.function_id).catch(() => null)
      const sentences = explanationOf(row, fn)
      cli.out.value({ execution: row.id, sentences }, () => {
        showPhases(cli.out, row.phases, row.start_kind)
        cli.out.line()
        for (const sentence of sentences) cli.out.line(sentence)
      })
    },
  },
]

/** Throws CliError where a function's name, for example, is given in place of an id. */
async function findExecution(client: Client, id: string): Promise<ExecutionRow> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) {
    throw usageError(`"${id}" is not the id of an execution; "taibai executions --function NAME" lists them.`)
  }
  return client.executions.get(id)
}

/** Newest last, as is usual in a terminal. */
async function newest(cli: Cli, options: Options): Promise<ExecutionRow[]> {
  const client = cli.client()
  const [name, status] = [textOption(options, 'function'), textOption(options, 'status')]
  const query: ListQuery = {
    order: 'newest',
    limit: numberOption(options, 'limit', '--limit') ?? usualRows,
    ...(status !== undefined && { status }),
    ...(name !== undefined && { function_id: (await findFunction(client, name)).id }),
  }
  return (await client.executions.list(query)).reverse()
}

async function showOne(cli: Cli, id: string): Promise<void> {
  const client = cli.client()
  const row = await findExecution(client, id)
  const [log, nameOf] = await Promise.all([client.executions.log(id), functionNames(client)])
  cli.out.value({ ...row, log }, () => {
    const { out } = cli
    out.fields([
      ['id', row.id],
      ['function', targetText({ ...row, function_id: nameOf(row.function_id) })],
      ['status', row.status],
      ['trigger', row.trigger],
      ['start', row.cold_reason === null ? row.start_kind : `${row.start_kind} (${row.cold_reason})`],
      ['attempt', row.attempt],
      ['worker', row.worker],
      ['memory', row.memory_peak_mb === null ? null : `${row.memory_peak_mb} MiB peak`],
      ['cpu', row.cpu_ms === null ? null : `${row.cpu_ms} ms`],
      ['created', timeText(row.created_at)],
      ['input', row.input],
      ['output', row.status === 'success' ? JSON.stringify(row.output) : null],
      ['error', row.error === null ? null : (row.error.stack ?? `${row.error.type}: ${row.error.message}`)],
    ])
    showPhases(out, row.phases, null)
    const printed = log?.split('\n').slice(1).join('\n').trimEnd() ?? ''
    if (printed !== '') out.line(`\n${printed}`)
  })
}
