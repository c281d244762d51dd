import type { RuntimeRow } from '../client/resources/runtimes.ts'
import type { CommandSpec } from './command.ts'
import type { Column } from './output.ts'

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
    summary: 'show what functions can be written in',
    examples: ['taibai runtimes'],
    async run(cli) {
      cli.out.rows(await cli.client().runtimes.list(), columns, 'There are no runtimes.')
    },
  },
]
