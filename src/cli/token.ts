import { type CommandSpec, given, numberOption, textOption } from './command.ts'
import { tokenColumns } from './shown.ts'

const day = 86_400

export const commands: CommandSpec[] = [
  {
    name: 'token create',
    summary: 'make a token; it is shown once',
    arguments: [['<name>', 'whose it is, or what for']],
    options: [
      ['--project <name>', 'what it may work in; default: default'],
      ['--role <role...>', 'member or admin; default: member'],
      ['--days <days>', 'when it ends; default: never'],
    ],
    examples: ['taibai token create ci --project shop --days 90'],
    async run(cli, args, options) {
      const days = numberOption(options, 'days', '--days')
      const project = textOption(options, 'project')
      const token = await cli.client().tokens.create({
        name: given(args, 0),
        ...(project !== undefined && { project_id: project }),
        ...(Array.isArray(options.role) && { roles: options.role }),
        ...(days !== undefined && { expires_in: days * day }),
      })
      cli.out.value(token, () => {
        cli.out.line(token.token)
        cli.out.warn('It is not shown again: keep it where nobody else reads it.')
      })
    },
  },
  {
    name: 'token list',
    summary: 'show whose tokens there are; never the tokens',
    examples: ['taibai token list'],
    async run(cli) {
      cli.out.rows(await cli.client().tokens.list(), tokenColumns, 'There are no tokens beside the admin token.')
    },
  },
  {
    name: 'token rm',
    summary: 'take tokens back: they are refused from now on',
    arguments: [['<tokens...>', 'ids']],
    examples: ['taibai token rm 3f0c8e1a-5a52-4d2c-9a5e-0b6f4f0f9a11'],
    async run(cli, args) {
      for (const id of args[0] as string[]) {
        await cli.client().tokens.delete(id)
        cli.out.line(`Token ${id} is taken back.`)
      }
      cli.out.value({ deleted: args[0] }, () => {})
    },
  },
]
