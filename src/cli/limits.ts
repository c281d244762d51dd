import type { LimitRow, ProjectRow } from '../client/resources/projects.ts'
import { type CommandSpec, usageError } from './command.ts'
import type { Column } from './terminal/output.ts'

const columns: Column<LimitRow>[] = [
  { title: 'LIMIT', value: ({ name }) => name },
  { title: 'VALUE', value: ({ value }) => value ?? 'none', right: true },
  { title: 'USED', value: ({ used }) => used, right: true },
  { title: 'WHAT', value: ({ about }) => about },
]

const projectColumns: Column<ProjectRow>[] = [
  { title: 'PROJECT', value: ({ id }) => id },
  { title: 'FUNCTIONS', value: ({ functions }) => functions, right: true },
  { title: 'JOBS', value: ({ jobs }) => jobs, right: true },
  { title: 'WEBHOOKS', value: ({ webhooks }) => webhooks, right: true },
  { title: 'TOKENS', value: ({ tokens }) => tokens, right: true },
  { title: 'RUNNING', value: ({ running }) => running, right: true },
  { title: 'WAITING', value: ({ queued_runs }) => queued_runs, right: true },
  { title: 'WORKERS', value: ({ worker_memory_mb }) => `${worker_memory_mb} MiB`, right: true },
  { title: 'LIMITS', value: ({ own_limits }) => (own_limits ? 'own' : 'default') },
]

export const commands: CommandSpec[] = [
  {
    name: 'projects',
    summary: 'show the projects and their current use; without the admin role, only your own',
    examples: ['taibai projects'],
    run: async (cli) => cli.out.rows(await cli.client().projects(), projectColumns, ''),
  },
  {
    name: 'limits',
    summary: "show a project's limits and their current use; admins set the limits",
    arguments: [['[project]', 'for admins; default: your own project']],
    options: [['--set <limit=value...>', 'replaces all limits that were set; none: no limit']],
    examples: ['taibai limits', 'taibai limits shop --set running=20 --set rate=50'],
    async run(cli, args, options) {
      const project = args[0] as string | undefined
      const { limits } = cli.client()
      if (options.set === undefined) return cli.out.rows((await limits.get(project)).limits, columns, '')
      if (project === undefined) throw usageError('Name the project whose limits to set: taibai limits PROJECT --set …')
      cli.out.rows((await limits.set(project, wanted(options.set as string[]))).limits, columns, '')
    },
  },
]

function wanted(pairs: string[]): Record<string, number | null> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name = '', value = ''] = /^(\w+)=(none|[\d.]+)$/.exec(pair) ?? []
      if (name === '') throw usageError(`"${pair}" is not a limit: write NAME=NUMBER or NAME=none.`)
      return [name, value === 'none' ? null : Number(value)]
    }),
  )
}
