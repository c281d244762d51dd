import { readFileSync } from 'node:fs'
import type { RegistryRow } from '../client/resources/registries.ts'
import { argumentAt, type CommandSpec, textOption, usageError } from './command.ts'
import type { Column } from './terminal/output.ts'
import { timeText } from './terminal/table-columns.ts'

const columns: Column<RegistryRow>[] = [
  { title: 'REGISTRY', value: ({ registry }) => registry },
  { title: 'USER', value: ({ username }) => username },
  { title: 'SINCE', value: ({ created_at }) => timeText(created_at) },
]

export const commands: CommandSpec[] = [
  {
    name: 'registry login',
    summary: 'store credentials with which the server pulls images of a registry (for admins)',
    arguments: [['<registry>', "its host, such as ghcr.io; docker.io is the engines' default registry"]],
    options: [
      ['-u, --username <name>', 'who'],
      ['--password-file <file>', 'file with the password or token; default: standard input'],
    ],
    examples: ['taibai registry login ghcr.io -u me --password-file token.txt'],
    async run(cli, args, options) {
      const registry = argumentAt(args, 0)
      const username = textOption(options, 'username')
      if (username === undefined) throw usageError('The registry needs a user name: pass --username.')
      const file = textOption(options, 'passwordFile')
      if (file === undefined && cli.isInteractive)
        cli.out.warn('Paste the password or token, then press Enter and Ctrl-D:')
      const password = (file === undefined ? await cli.input() : readFileSync(file)).toString('utf8').trim()
      if (password === '') throw usageError('The password is empty.')
      const kept = await cli.client().registries.logIn(registry, { username, password })
      cli.out.value(kept, () => {
        cli.out.line(`Images of ${kept.registry} are pulled as ${kept.username} from now on.`)
        if (kept.checked === false)
          cli.out.warn('The registry did not answer, so this user and password are not checked.')
      })
    },
  },
  {
    name: 'registry list',
    summary: 'list the registries with stored credentials; never the passwords (for admins)',
    examples: ['taibai registry list'],
    async run(cli) {
      const rows = await cli.client().registries.list()
      cli.out.rows(rows, columns, 'No credentials are stored: images are pulled anonymously.')
    },
  },
  {
    name: 'registry logout',
    summary: 'delete the credentials of a registry (for admins)',
    arguments: [['<registry>', 'its host']],
    examples: ['taibai registry logout ghcr.io'],
    async run(cli, args) {
      await cli.client().registries.logOut(argumentAt(args, 0))
      cli.out.value({ registry: args[0] }, () =>
        cli.out.line(`Images of ${argumentAt(args, 0)} are pulled anonymously from now on.`),
      )
    },
  },
]
