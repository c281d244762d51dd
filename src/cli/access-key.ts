import { argumentAt, type CommandSpec, textOption } from './command.ts'
import { accessKeyColumns } from './terminal/table-columns.ts'

export const commands: CommandSpec[] = [
  {
    name: 'access-key create',
    summary: 'create an access key for clients that sign requests (AWS CLI, boto3); its secret is shown once',
    arguments: [['<name>', 'owner or purpose']],
    options: [['--token <id>', 'the token that it represents; default: your token']],
    examples: ['taibai access-key create ci'],
    async run(cli, args, options) {
      const token = textOption(options, 'token')
      const key = await cli.client().accessKeys.create({ name: argumentAt(args, 0), ...(token && { token_id: token }) })
      cli.out.value(key, () => {
        cli.out.line(`export AWS_ACCESS_KEY_ID=${key.access_key_id}`)
        cli.out.line(`export AWS_SECRET_ACCESS_KEY=${key.secret_access_key}`)
        cli.out.warn('The secret is not shown again: keep it where nobody else reads it.')
      })
    },
  },
  {
    name: 'access-key list',
    summary: 'list the access keys; never their secrets',
    examples: ['taibai access-key list'],
    async run(cli) {
      cli.out.rows(await cli.client().accessKeys.list(), accessKeyColumns, 'There are no access keys.')
    },
  },
  {
    name: 'access-key rm',
    summary: 'revoke access keys: requests signed with them are refused from now on',
    arguments: [['<keys...>', 'ids']],
    examples: ['taibai access-key rm TBAKABCDEFGHIJKLMNOP'],
    async run(cli, args) {
      for (const id of args[0] as string[]) {
        await cli.client().accessKeys.delete(id)
        cli.out.line(`Access key ${id} is revoked.`)
      }
      cli.out.value({ deleted: args[0] }, () => {})
    },
  },
]
