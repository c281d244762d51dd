import type { SettingRow } from '../client/resources/settings.ts'
import type { CommandSpec } from './command.ts'
import type { Column } from './terminal/output.ts'

const columns: Column<SettingRow>[] = [
  { title: 'SETTING', value: ({ name }) => name },
  { title: 'VALUE', value: ({ value, secret, given }) => (secret ? (given ? '(secret)' : '') : value) },
  { title: 'FROM', value: ({ given }) => (given ? 'environment' : 'default') },
]

export const commands: CommandSpec[] = [
  {
    name: 'settings',
    summary: "show the server's effective settings, without secrets (for admins)",
    options: [['--given', "only settings that the server's environment sets"]],
    examples: ['taibai settings --given', 'taibai settings --json'],
    async run(cli, _args, options) {
      const rows = await cli.client().settings()
      const shown = options.given === true ? rows.filter(({ given }) => given) : rows
      cli.out.rows(shown, columns, 'All settings are the defaults.')
    },
  },
]
