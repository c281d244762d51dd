import type { WebhookFields, WebhookSignature } from '../client/resources/webhooks.ts'
import { argumentAt, type CommandSpec, numberOption, type Options, textOption, usageError } from './command.ts'
import { targetFields, withNames } from './servers/target.ts'
import { deliveryColumns, webhookColumns } from './terminal/table-columns.ts'

function signatureOf(options: Options): Pick<WebhookFields, 'signature'> {
  const scheme = textOption(options, 'signature')
  const secret = textOption(options, 'secret')
  if (scheme === undefined && secret === undefined) return {}
  if (scheme === undefined || secret === undefined) throw usageError('--signature and --secret go together.')
  return { signature: { scheme: scheme as WebhookSignature['scheme'], secret } }
}

export const commands: CommandSpec[] = [
  {
    name: 'webhooks add',
    summary: 'create a webhook: a URL that runs a function without a token',
    arguments: [['<function>', 'its name, name:version or name@alias']],
    options: [
      ['--description <text>', 'who calls it'],
      ['--signature <scheme>', 'callers must sign: github, gitlab, slack, stripe, standard or hmac'],
      ['--secret <name>', 'the secret with which they sign; see "taibai secret set"'],
      ['--rate <calls>', 'maximum calls per second'],
      ['--sync', "respond with the function's response, also to GET; default: accept the run and respond at once"],
    ],
    examples: [
      'taibai webhooks add greet --description "the shop"',
      'taibai webhooks add challenge --sync',
      'taibai webhooks add build --signature github --secret GITHUB_SECRET',
    ],
    async run(cli, args, options) {
      const description = textOption(options, 'description')
      const sync = options.sync === true && { sync: true }
      const maxRate = numberOption(options, 'rate', '--rate')
      const fields = {
        ...targetFields(argumentAt(args, 0)),
        ...(description !== undefined && { description }),
        ...(maxRate !== undefined && { max_rate: maxRate }),
        ...signatureOf(options),
        ...sync,
      }
      const webhook = await cli.client().webhooks.create(fields)
      cli.out.value(webhook, () => cli.out.line(webhook.webhook_url))
    },
  },
  {
    name: 'webhooks list',
    summary: 'list the webhooks and their URLs',
    examples: ['taibai webhooks list'],
    async run(cli) {
      const rows = await cli.client().webhooks.list()
      cli.out.rows(cli.out.json ? rows : await withNames(cli.client(), rows), webhookColumns, 'There are no webhooks.')
    },
  },
  {
    name: 'webhooks deliveries',
    summary: 'show the last calls of a webhook since the server started; --again repeats one',
    arguments: [['<webhook>', 'its id']],
    options: [['--again <delivery>', 'the id of a delivery']],
    examples: [
      'taibai webhooks deliveries 3f0c8e1a-5a52-4d2c-9a5e-0b6f4f0f9a11',
      'taibai webhooks deliveries 3f0c8e1a-5a52-4d2c-9a5e-0b6f4f0f9a11 --again 7d5c1c1e-9a52-4d2c-9a5e-0b6f4f0f9a11',
    ],
    async run(cli, args, options) {
      const id = argumentAt(args, 0)
      const again = textOption(options, 'again')
      const { webhooks } = cli.client()
      if (again === undefined)
        return cli.out.rows(await webhooks.deliveries(id), deliveryColumns, 'There were no calls.')
      const made = await webhooks.redeliver(id, again)
      cli.out.value(made, () => cli.out.line(`Accepted as ${made.execution_id}.`))
    },
  },
  {
    name: 'webhooks rm',
    summary: 'remove webhooks; their URLs stop working',
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
