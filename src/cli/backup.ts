import { createWriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { argumentAt, CliError, type CommandSpec, textOption } from './command.ts'
import { timeText } from './terminal/table-columns.ts'

const mib = 1024 * 1024

export const commands: CommandSpec[] = [
  {
    name: 'backup',
    summary: 'back up all persistent data into one file while calls continue (for admins)',
    arguments: [['[file]', 'output file; default: the backup stays on the server']],
    examples: ['taibai backup friday.tar', 'taibai backup'],
    async run(cli, args) {
      const client = cli.client()
      const made = await client.backups.create()
      const file = args[0] as string | undefined
      if (file !== undefined) {
        await pipeline(
          await client.backups.open(made.name),
          createWriteStream(`${file}.part`, { mode: 0o600, flush: true }),
        )
        await rename(`${file}.part`, file)
        await client.backups.delete(made.name)
      }
      cli.out.value(file === undefined ? made : { ...made, file }, () => {
        const where = file ?? `${made.name}, on the server`
        cli.out.line(
          `The backup is ${where}: ${(made.size_bytes / mib).toFixed(1)} MiB. "taibai restore" makes a data folder from it.`,
        )
      })
    },
  },
  {
    name: 'backups',
    summary: 'list the backups on the server (for admins)',
    examples: ['taibai backups'],
    async run(cli) {
      type Row = { name: string; size_bytes: number; created_at: string }
      const columns = [
        { title: 'NAME', value: (row: Row) => row.name },
        { title: 'SIZE', value: (row: Row) => `${(row.size_bytes / mib).toFixed(1)} MiB`, right: true },
        { title: 'CREATED', value: (row: Row) => timeText(row.created_at) },
      ]
      cli.out.rows(
        await cli.client().backups.list(),
        columns,
        'The server has no backups. "taibai backup" makes one there; "taibai backup FILE" saves one here.',
      )
    },
  },
  {
    name: 'restore',
    summary: 'create a data folder from a backup; the folder must not exist yet',
    arguments: [['<file>', 'made by "taibai backup"']],
    options: [['--data-dir <folder>', "the new data folder; default: the data folder of this machine's server"]],
    examples: ['taibai restore friday.tar --data-dir /var/lib/taibai-restored'],
    async run(cli, args, options) {
      const folder = textOption(options, 'dataDir') ?? cli.dataDir
      const restored = await cli.local.restore(argumentAt(args, 0), folder).catch((error: Error) => {
        throw new CliError(error.message)
      })
      cli.out.value({ ...restored, folder }, () => {
        cli.out.line(
          `${folder} is as it was at ${timeText(restored.createdAt)} UTC, with ${restored.packages} packages.`,
        )
        cli.out.line(`Start the server on it: TAIBAI_DATA_DIR=${folder}`)
      })
    },
  },
]
