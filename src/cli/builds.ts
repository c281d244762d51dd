import type { BuildRow } from '../client/resources/builds.ts'
import { type CommandSpec, given, numberOption } from './command.ts'
import type { Column } from './output.ts'

const usualRows = 20

const columns: Column<BuildRow>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'FUNCTION', value: ({ function_name, function_id }) => function_name ?? function_id },
  { title: 'RUNTIME', value: ({ runtime }) => runtime },
  { title: 'LIST', value: ({ list }) => list },
  { title: 'STATUS', value: ({ status, cached }) => (cached ? `${status} (cached)` : status) },
  { title: 'MIB', value: ({ size }) => (size === null ? null : (size / 1024 / 1024).toFixed(1)), right: true },
  { title: 'BEGAN', value: ({ created_at }) => created_at },
]

export const commands: CommandSpec[] = [
  {
    name: 'builds',
    summary: 'list what was installed for packages, the newest first',
    options: [['--limit <rows>', `how many; default: ${usualRows}`]],
    examples: ['taibai builds'],
    async run(cli, _args, options) {
      const limit = numberOption(options, 'limit', '--limit') ?? usualRows
      cli.out.rows(await cli.client().builds.list({ limit }), columns, 'Nothing has been built.')
    },
  },
  {
    name: 'builds log',
    summary: 'show what a build has printed',
    arguments: [['<build>', 'its id']],
    examples: ['taibai builds log 0197c0de-0000-7000-8000-000000000000'],
    async run(cli, args) {
      const log = await cli.client().builds.log(given(args, 0))
      if (cli.out.json) cli.out.value({ log }, () => {})
      else cli.out.raw(log)
    },
  },
]
