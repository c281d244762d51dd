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
import { findFunction, withNames } from './servers/target.ts'
import { deadLetterColumns } from './terminal/table-columns.ts'

const usualRows = 50

const filterOptions: [flags: string, description: string][] = [
  ['--function <name>', 'only of this function'],
  ['--status <status>', 'only of this status: failed or error'],
]
const manyOptions: [flags: string, description: string][] = [
  ...filterOptions,
  ['--all', 'all of them'],
  ['--limit <rows>', 'the oldest ones, up to this number'],
]

export const commands: CommandSpec[] = [
  {
    name: 'dead-letters',
    summary: 'list accepted runs that failed and will not be retried automatically',
    options: [...filterOptions, ['--limit <rows>', `how many, the oldest first; default: ${usualRows}`]],
    examples: ['taibai dead-letters --function greet'],
    async run(cli, _args, options) {
      const limit = numberOption(options, 'limit', '--limit') ?? usualRows
      const rows = await cli.client().deadLetters.list({ ...(await filterOf(cli, options)), limit })
      if (cli.out.json) return cli.out.rows(rows, deadLetterColumns, '')
      cli.out.rows(await withNames(cli.client(), rows), deadLetterColumns, 'There are no dead letters.')
    },
  },
  {
    name: 'dead-letters redrive',
    summary: 'run dead letters again as new runs: one, or those that match filters',
    arguments: [['[execution]', 'id of one']],
    options: [['--input <text>', 'with an id: its new input'], ...manyOptions],
    examples: [
      'taibai dead-letters redrive 0197c0de-0000-7000-8000-000000000000 --input \'{"fixed": true}\'',
      'taibai dead-letters redrive --function greet',
    ],
    async run(cli, args, options) {
      const input = textOption(options, 'input')
      if (typeof args[0] === 'string') {
        const row = await cli.client().deadLetters.redrive(args[0], input)
        return cli.out.value(row, () => cli.out.line(`${row.id} runs again. See: taibai executions ${row.id}`))
      }
      if (input !== undefined) throw usageError('--input is for one dead letter: name its id.')
      const made = await cli.client().deadLetters.redriveAll(await manyOf(cli, options))
      const left = made.left === 0 ? '' : `; ${made.left} did not fit into the queue: try again later`
      cli.out.value(made, () => cli.out.line(`${made.done} run again${left}.`))
    },
  },
  {
    name: 'dead-letters edit',
    summary: 'change the input of a dead letter',
    arguments: [
      ['<execution>', 'its id'],
      ['<input>', 'text; JSON becomes a value'],
    ],
    examples: ['taibai dead-letters edit 0197c0de-0000-7000-8000-000000000000 \'{"fixed": true}\''],
    async run(cli, args) {
      const row = await cli.client().deadLetters.update(argumentAt(args, 0), { input: argumentAt(args, 1) })
      cli.out.value(row, () => cli.out.line(`The input of ${row.id} is changed.`))
    },
  },
  {
    name: 'dead-letters drop',
    summary: 'drop dead letters: one, or those that match filters; their records stay',
    arguments: [['[execution]', 'id of one']],
    options: manyOptions,
    examples: ['taibai dead-letters drop --function greet --status failed'],
    async run(cli, args, options) {
      const client = cli.client()
      const isOne = typeof args[0] === 'string'
      if (isOne) await client.deadLetters.drop(argumentAt(args, 0))
      const made = isOne ? { done: 1, left: 0 } : await client.deadLetters.dropAll(await manyOf(cli, options))
      cli.out.value(made, () => cli.out.line(`${made.done} dropped.`))
    },
  },
]

async function filterOf(cli: Cli, options: Options): Promise<ListQuery> {
  const [name, status] = [textOption(options, 'function'), textOption(options, 'status')]
  return {
    ...(status !== undefined && { status }),
    ...(name !== undefined && { function_id: (await findFunction(cli.client(), name)).id }),
  }
}

/** Requires a filter or `--all`, so that a forgotten filter does not select everything. */
async function manyOf(cli: Cli, options: Options): Promise<ListQuery> {
  const filter = await filterOf(cli, options)
  if (Object.keys(filter).length === 0) {
    if (options.all !== true) throw usageError('Choose the dead letters: an id, --function, --status, or --all.')
    filter.created_at = 'gte:1970-01-01'
  }
  const limit = numberOption(options, 'limit', '--limit')
  return { ...filter, ...(limit !== undefined && { limit }) }
}
