import { type CommandSpec, numberOption } from './command.ts'
import { auditColumns } from './terminal/table-columns.ts'

export const commands: CommandSpec[] = [
  {
    name: 'audit',
    summary: 'show who changed what, the newest first (for admins)',
    options: [['--limit <count>', 'how many changes; default: 100']],
    examples: ['taibai audit --limit 20', 'taibai audit --json'],
    async run(cli, _args, options) {
      const limit = numberOption(options, 'limit', '--limit')
      const rows = await cli.client().audit(limit === undefined ? {} : { limit })
      cli.out.rows(rows, auditColumns, 'Nothing has been changed yet.')
    },
  },
]
