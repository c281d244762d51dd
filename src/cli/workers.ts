import type { WorkerRow } from '../client/resources/functions.ts'
import { type CommandSpec, given } from './command.ts'
import { findFunction } from './target.ts'

export const commands: CommandSpec[] = [
  {
    name: 'workers',
    summary: 'show the workers of a function, or of every function (for admins)',
    arguments: [['[function]', 'its name or id']],
    examples: ['taibai workers', 'taibai workers greet'],
    async run(cli, args) {
      const client = cli.client()
      const functions =
        args[0] === undefined ? await client.functions.list() : [await findFunction(client, given(args, 0))]
      const rows: (WorkerRow & { name: string })[] = []
      for (const fn of functions) {
        const versions = fn.latest_version === 0 ? [] : await client.versions.list(fn.id)
        for (const version of [0, ...versions.map(({ version_number }) => version_number)]) {
          for (const worker of await client.functions.workers(fn.id, version))
            rows.push({ ...worker, name: fn.name ?? fn.id })
        }
      }
      const columns = [
        { title: 'WORKER', value: (row: (typeof rows)[number]) => row.worker_name },
        { title: 'FUNCTION', value: (row: (typeof rows)[number]) => row.name },
        { title: 'VERSION', value: (row: (typeof rows)[number]) => row.function_version, right: true },
      ]
      cli.out.rows(rows, columns, 'No function has a worker at the moment.')
    },
  },
]
