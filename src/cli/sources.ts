import { argumentAt, type CommandSpec, numberOption, textOption } from './command.ts'
import { targetFields, withNames } from './servers/target.ts'
import { sourceColumns } from './terminal/table-columns.ts'

export const commands: CommandSpec[] = [
  {
    name: 'sources add',
    summary: 'run a function when objects in a Swift container change',
    arguments: [
      ['<function>', 'its name, name:version or name@alias'],
      ['<container>', 'in Swift'],
    ],
    options: [
      ['--prefix <text>', 'only objects whose names begin with this text'],
      ['--events <kinds>', 'created, changed, deleted, separated by commas'],
      ['--interval <seconds>', 'time between two checks'],
    ],
    examples: ['taibai sources add count in --prefix photos/ --events created,deleted'],
    async run(cli, args, options) {
      const events = textOption(options, 'events')
      const prefix = textOption(options, 'prefix')
      const interval = numberOption(options, 'interval', '--interval')
      const source = await cli.client().sources.create({
        ...targetFields(argumentAt(args, 0)),
        type: 'swift',
        container: argumentAt(args, 1),
        ...(prefix !== undefined && { prefix }),
        ...(events !== undefined && { events: events.split(',').map((word) => word.trim()) }),
        ...(interval !== undefined && { interval }),
      })
      cli.out.value(source, () =>
        cli.out.line(`Source ${source.id} looks at ${argumentAt(args, 1)} every ${source.interval} s.`),
      )
    },
  },
  {
    name: 'sources list',
    summary: 'show the sources',
    examples: ['taibai sources list'],
    async run(cli) {
      const rows = await cli.client().sources.list()
      cli.out.rows(cli.out.json ? rows : await withNames(cli.client(), rows), sourceColumns, 'There are no sources.')
    },
  },
  ...(['pause', 'resume'] as const).map(
    (verb): CommandSpec => ({
      name: `sources ${verb}`,
      summary: verb === 'pause' ? 'pause a source' : 'resume a source, and report the changes since then',
      arguments: [['<source>', 'its id']],
      examples: [`taibai sources ${verb} 3f0c8e1a-5a52-4d2c-9a5e-0b6f4f0f9a11`],
      async run(cli, args) {
        const status = verb === 'pause' ? 'paused' : 'running'
        const source = await cli.client().sources.update(argumentAt(args, 0), { status })
        cli.out.value(source, () => cli.out.line(`Source ${source.id} is ${source.status}.`))
      },
    }),
  ),
  {
    name: 'sources rm',
    summary: 'remove sources',
    arguments: [['<sources...>', 'ids']],
    examples: ['taibai sources rm 3f0c8e1a-5a52-4d2c-9a5e-0b6f4f0f9a11'],
    async run(cli, args) {
      for (const id of args[0] as string[]) {
        await cli.client().sources.delete(id)
        cli.out.line(`Source ${id} is removed.`)
      }
      cli.out.value({ deleted: args[0] }, () => {})
    },
  },
]
