import type { UsageRow } from '../client/resources/usage.ts'
import type { CommandSpec } from './command.ts'
import type { Column } from './terminal/output.ts'

const columns = (by: string): Column<UsageRow>[] => [
  ...(by.includes('day') ? [{ title: 'DAY', value: ({ day }: UsageRow) => day }] : []),
  ...(by.includes('project') ? [{ title: 'PROJECT', value: ({ project_id }: UsageRow) => project_id }] : []),
  ...(by.includes('function')
    ? [{ title: 'FUNCTION', value: ({ function_name, function_id }: UsageRow) => function_name ?? function_id }]
    : []),
  { title: 'CALLS', value: ({ calls }) => calls, right: true },
  { title: 'BUSY GB-S', value: ({ busy_gb_seconds }) => busy_gb_seconds.toFixed(1), right: true },
  { title: 'IDLE GB-S', value: ({ idle_gb_seconds }) => idle_gb_seconds.toFixed(1), right: true },
  { title: 'CPU S', value: ({ cpu_seconds }) => cpu_seconds.toFixed(1), right: true },
  { title: 'IN', value: ({ bytes_in }) => bytes_in, right: true },
  { title: 'OUT', value: ({ bytes_out }) => bytes_out, right: true },
]

export const commands: CommandSpec[] = [
  {
    name: 'usage',
    summary: 'show the resources that functions used: memory, processor time, bytes',
    options: [
      ['--from <day>', 'such as 2026-11-01; default: the first of the month'],
      ['--to <day>', 'default: today (UTC)'],
      ['--by <what>', 'day, project, function, or several with commas; default: function'],
      ['--csv', 'as CSV, for a spreadsheet'],
      ['--all-projects', 'figures of the whole server (for admins)'],
    ],
    examples: ['taibai usage', 'taibai usage --by day,function --from 2026-11-01 --csv'],
    async run(cli, _args, options) {
      const by = (options.by as string | undefined) ?? 'function'
      const query = {
        by,
        ...(options.from !== undefined && { from: options.from as string }),
        ...(options.to !== undefined && { to: options.to as string }),
        ...(options.allProjects === true && { all_projects: true }),
      }
      const { usage } = cli.client()
      if (options.csv === true) return cli.out.raw(await usage.csv(query))
      cli.out.rows((await usage.list(query)).usage, columns(by), 'Nothing was used.')
    },
  },
]
