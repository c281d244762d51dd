import { type CommandSpec, given, textOption } from './command.ts'
import { webhookColumns } from './shown.ts'
import { targetFields, withNames } from './target.ts'

export const commands: CommandSpec[] = [
  {
    name: 'webhooks add',
    summary: 'make an address that runs a function without a token',
    arguments: [['<function>', 'its name, name:version or name@alias']],
    options: [
      ['--description <text>', 'who calls it'],
      ['--sync', "answer with the function's own answer, to GET too; without it: accept the run, which follows"],
    ],
    examples: ['taibai webhooks add greet --description "the shop"', 'taibai webhooks add challenge --sync'],
    async run(cli, args, options) {
      const description = textOption(options, 'description')
      const sync = options.sync === true && { sync: true }
      const fields = { ...targetFields(given(args, 0)), ...(description !== undefined && { description }), ...sync }
      const webhook = await cli.client().webhooks.create(fields)
      cli.out.value(webhook, () => cli.out.line(webhook.webhook_url))
    },
  },
  {
    name: 'webhooks list',
    summary: 'show the webhooks and their addresses',
    examples: ['taibai webhooks list'],
    async run(cli) {
      const rows = await cli.client().webhooks.list()
      cli.out.rows(cli.out.json ? rows : await withNames(cli.client(), rows), webhookColumns, 'There are no webhooks.')
    },
  },
  {
    name: 'webhooks rm',
    summary: 'remove webhooks: their addresses answer no more',
    arguments: [['<webhooks...>', 'ids']],
    examples: ['taibai webhooks rm 3f0c8e1a-5a52-4d2c-9a5e-0b6f4f0f9a11'],
    async run(cli, args) {
      for (const id of args[0] as string[]) {
        await cli.client().webhooks.delete(id)
        cli.out.line(`Webhook ${id} is removed.`)
      }
      cli.out.value({ deleted: args[0] }, () => {})
    },
  },
]
