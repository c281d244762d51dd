import { argumentAt, type CommandSpec, numberOption, textOption } from './command.ts'
import { timeText, tokenColumns } from './terminal/table-columns.ts'

const day = 86_400
const shownOnce = 'It is not shown again: keep it where nobody else reads it.'

export const commands: CommandSpec[] = [
  {
    name: 'token create',
    summary: 'create a token; it is shown once',
    arguments: [['<name>', 'owner or purpose']],
    options: [
      ['--project <name>', 'project in which it is valid; default: default'],
      ['--role <role...>', 'member or admin; default: member'],
      ['--scope <scope...>', 'read, invoke, deploy or admin; default: all that the role allows'],
      ['--function <name>', 'the only function for which it is valid; default: any'],
      ['--expires <days>', 'days until it expires; default: never'],
    ],
    examples: [
      'taibai token create ci --project shop --scope deploy --expires 90',
      'taibai token create till --project shop --scope invoke --function pay',
    ],
    async run(cli, args, options) {
      const days = numberOption(options, 'expires', '--expires')
      const fn = textOption(options, 'function')
      const project = textOption(options, 'project')
      const token = await cli.client().tokens.create({
        name: argumentAt(args, 0),
        ...(project !== undefined && { project_id: project }),
        ...(Array.isArray(options.role) && { roles: options.role }),
        ...(Array.isArray(options.scope) && { scopes: options.scope }),
        ...(fn !== undefined && { function: fn }),
        ...(days !== undefined && { expires_in: days * day }),
      })
      cli.out.value(token, () => {
        cli.out.line(token.token)
        cli.out.warn(shownOnce)
      })
    },
  },
  {
    name: 'token list',
    summary: 'list the tokens by name; never their values',
    examples: ['taibai token list'],
    async run(cli) {
      cli.out.rows(await cli.client().tokens.list(), tokenColumns, 'There are no tokens beside the admin token.')
    },
  },
  {
    name: 'token rotate',
    summary: 'replace a token by a new one; the old one stays valid for a grace period',
    arguments: [['<token>', 'id']],
    options: [
      ['--grace <seconds>', 'how long the old token stays valid; default: one hour'],
      ['--expires <days>', "days until the new token expires; default: the old token's expiry"],
    ],
    examples: ['taibai token rotate 3f0c8e1a-5a52-4d2c-9a5e-0b6f4f0f9a11 --grace 600 --expires 90'],
    async run(cli, args, options) {
      const grace = numberOption(options, 'grace', '--grace')
      const days = numberOption(options, 'expires', '--expires')
      const token = await cli.client().tokens.rotate(argumentAt(args, 0), {
        ...(grace !== undefined && { grace }),
        ...(days !== undefined && { expires_in: days * day }),
      })
      cli.out.value(token, () => {
        cli.out.line(token.token)
        cli.out.warn(`${shownOnce} The previous one is valid until ${timeText(token.previous_until)} UTC.`)
      })
    },
  },
  {
    name: 'whoami',
    summary: 'show who you are to the server, and what your token may do',
    examples: ['taibai whoami'],
    async run(cli) {
      const who = await cli.client().whoami()
      cli.out.value(who, () =>
        cli.out.fields([
          ['who', `${who.name ?? who.id ?? 'anybody'} (${who.kind})`],
          ['project', who.project_id],
          ['roles', who.roles.join(', ')],
          ['scopes', who.scopes?.join(', ') ?? 'all'],
          ['function', who.function_id ?? 'any'],
          ['ends', timeText(who.expires_at) || 'never'],
        ]),
      )
    },
  },
  {
    name: 'token rm',
    summary: 'revoke tokens: they are refused from now on',
    arguments: [['<tokens...>', 'ids']],
    examples: ['taibai token rm 3f0c8e1a-5a52-4d2c-9a5e-0b6f4f0f9a11'],
    async run(cli, args) {
      for (const id of args[0] as string[]) {
        await cli.client().tokens.delete(id)
        cli.out.line(`Token ${id} is revoked.`)
      }
      cli.out.value({ deleted: args[0] }, () => {})
    },
  },
]
