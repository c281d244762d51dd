import { unpackAssets } from '../assets.ts'
import type { RuntimeRow } from '../client/resources/runtimes.ts'
import { readSettings } from '../host/address.ts'
import { makeProgress } from '../host/progress.ts'
import { namedRuntimeFolders, readRuntimeFolders } from '../host/runtime-folder.ts'
import type { Cli, CommandSpec } from './command.ts'
import { withEngine } from './servers/host-engine.ts'
import type { Column } from './terminal/output.ts'

const columns: Column<RuntimeRow>[] = [
  { title: 'NAME', value: ({ name, id }) => name ?? id },
  { title: 'DESCRIPTION', value: ({ description }) => description },
  { title: 'VERSION', value: ({ language_version }) => language_version },
  { title: 'SIGNATURE', value: ({ signature }) => signature },
  { title: 'LEAST MEMORY', value: ({ min_memory }) => `${Math.round(min_memory / 1048576)} MiB`, right: true },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'IMAGE', value: ({ image }) => image },
]

export const commands: CommandSpec[] = [
  {
    name: 'runtimes',
    summary: 'list the runtimes in which functions can be written',
    examples: ['taibai runtimes'],
    async run(cli) {
      cli.out.rows(await cli.client().runtimes.list(), columns, 'There are no runtimes.')
    },
  },
  {
    name: 'runtimes build',
    summary: 'build runtime images on this machine\'s engine, as "taibai up" does; existing images stay unchanged',
    arguments: [
      ['[names...]', 'names of runtimes, such as nodejs22; default: the standard ones and those in TAIBAI_RUNTIMES'],
    ],
    options: [['--refresh', 'check registries and mirrors for newer base images']],
    examples: ['taibai runtimes build', 'taibai runtimes build nodejs22 python311'],
    run: (cli, args, options) => build(cli, args[0] as string[], options.refresh === true),
  },
]

async function build({ out, local }: Cli, names: string[], refresh: boolean): Promise<void> {
  // A list of runtimes needs none of this, which loads slowly.
  const { buildRuntimes, showBuilt } = await import('../host/runtime-images.ts')
  const { cacheDir, runtimesDir, runtimes: versions } = readSettings()
  unpackAssets(cacheDir)
  const offered = readRuntimeFolders(runtimesDir, versions)
  const runtimes = names.length > 0 ? namedRuntimeFolders(runtimesDir, names) : offered
  await withEngine(
    async (engine) => {
      const progress = makeProgress((line) => out.line(line))
      const built = await buildRuntimes({ engine, runtimes, refresh, report: progress.detail })
      out.value({ images: built }, () => showBuilt(built, progress))
      const unasked = runtimes.filter(({ name }) => !offered.some((one) => one.name === name))
      if (unasked.length > 0) {
        const all = [...versions, ...unasked.map(({ name }) => name)].join(',')
        out.line(`The server of this machine offers all of them when it starts with TAIBAI_RUNTIMES=${all}.`)
      }
    },
    await local.credentials(),
  )
}
