import type { WorkerRow } from '../client/resources/functions.ts'
import type { KeptWorkerRow } from '../client/resources/workers.ts'
import { sizeText } from '../domain/platform/data-facts.ts'
import { argumentAt, type Cli, CliError, type CommandSpec } from './command.ts'
import { findFunction } from './servers/target.ts'
import { showHistory } from './servers/worker-history.ts'
import type { Column } from './terminal/output.ts'

export const commands: CommandSpec[] = [
  {
    name: 'workers',
    summary:
      'list all workers in the order of eviction with the memory that each uses, or those of one function (for admins)',
    arguments: [['[function]', 'its name or id']],
    options: [['--history', 'show the memory of all workers and the starts of calls over the last 15 minutes']],
    examples: ['taibai workers', 'taibai workers greet', 'taibai workers --history'],
    run(cli, args, { history: wantsHistory }) {
      if (args[0] === undefined) return wantsHistory === true ? history(cli) : all(cli)
      if (wantsHistory === true) throw new CliError('"--history" covers all workers: leave the function out.')
      return ofFunction(cli, argumentAt(args, 0))
    },
  },
]

const allColumns: Column<KeptWorkerRow>[] = [
  { title: 'EVICTION', value: ({ eviction }) => (eviction === null ? '' : `${eviction}.`), right: true },
  { title: 'WORKER', value: ({ worker_name }) => worker_name },
  { title: 'FUNCTION', value: ({ function_name, function_id }) => function_name ?? function_id ?? '(generic)' },
  { title: 'VERSION', value: ({ function_version }) => function_version ?? '', right: true },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'RESERVED', value: ({ memory }) => sizeText(memory), right: true },
  { title: 'USED', value: ({ memory_used: used }) => (used == null ? '' : sizeText(used)), right: true },
  { title: 'CALLS', value: ({ calls }) => calls, right: true },
]

async function all(cli: Cli): Promise<void> {
  const { workers } = await cli.client().workers.all()
  cli.out.rows(workers, allColumns, 'There is no worker at the moment.')
}

async function history(cli: Cli): Promise<void> {
  const found = await cli.client().workers.history()
  cli.out.value(found, () => showHistory(cli.out, found))
}

const ofOneColumns: Column<WorkerRow>[] = [
  { title: 'WORKER', value: ({ worker_name }) => worker_name },
  { title: 'VERSION', value: ({ function_version }) => function_version, right: true },
]

async function ofFunction(cli: Cli, nameOrId: string): Promise<void> {
  const client = cli.client()
  const fn = await findFunction(client, nameOrId)
  const versions = fn.latest_version === 0 ? [] : await client.versions.list(fn.id)
  const rows: WorkerRow[] = []
  for (const version of [0, ...versions.map(({ version_number }) => version_number)])
    rows.push(...(await client.functions.workers(fn.id, version)))
  cli.out.rows(rows, ofOneColumns, 'The function has no worker at the moment.')
}
