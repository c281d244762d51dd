import { readFileSync } from 'node:fs'
import { buildSecretPrefix } from '../domain/platform/secret.ts'
import {
  argumentAt,
  type Cli,
  type CommandSpec,
  numberOption,
  type Options,
  textOption,
  usageError,
} from './command.ts'
import { askHidden } from './terminal/prompts.ts'
import { secretColumns } from './terminal/table-columns.ts'

export const commands: CommandSpec[] = [
  {
    name: 'secret set',
    summary: 'store a secret, or set a new value of one; the value comes from standard input or a prompt',
    arguments: [['<name>', 'name of the secret for functions']],
    options: [
      ['--file <path>', 'read the value from a file'],
      ['--version <number>', 'instead of a value: make an earlier version current again'],
      ['--drain', 'running workers keep their current value; default: the next call goes to a new worker'],
      ['--description <text>', 'what it is for'],
    ],
    examples: [
      'taibai secret set DB_URL',
      'printf %s "$PASSWORD" | taibai secret set DB_PASSWORD',
      'taibai secret set TLS_KEY --file key.pem',
      'taibai secret set DB_URL --version 3',
    ],
    async run(cli, args, options) {
      const name = argumentAt(args, 0)
      const { secrets } = cli.client()
      const version = numberOption(options, 'version', '--version')
      const description = textOption(options, 'description')
      const value = version === undefined ? await valueFrom(cli, name, options) : undefined
      const change = {
        ...(value !== undefined && { value }),
        ...(version !== undefined && { version }),
        ...(description !== undefined && { description }),
        ...(options.drain === true && { workers: 'drain' as const }),
      }
      const isThere = (await secrets.list()).some((secret) => secret.name === name)
      if (!isThere && value === undefined) throw usageError(`There is no secret ${name} yet: give it a value first.`)
      const row = isThere
        ? await secrets.update(name, change)
        : await secrets.create({ name, value: value as string, ...(description !== undefined && { description }) })
      cli.out.value(row, () => {
        cli.out.line(`Secret ${name} has version ${row.version}.`)
        if (row.used_by.length === 0) cli.out.line(useOf(name))
      })
    },
  },
  {
    name: 'secret list',
    summary: "list the project's secrets and what uses them; never their values",
    examples: ['taibai secret list'],
    async run(cli) {
      cli.out.rows(
        await cli.client().secrets.list(),
        secretColumns,
        'There are no secrets. Store one with: taibai secret set NAME',
      )
    },
  },
  {
    name: 'secret rm',
    summary: 'delete secrets with all their versions',
    arguments: [['<names...>', 'names of the secrets']],
    options: [['--cascade', 'also remove them from the functions that use them']],
    examples: ['taibai secret rm DB_URL'],
    async run(cli, args, options) {
      const names = args[0] as string[]
      for (const name of names) {
        await cli.client().secrets.delete(name, options.cascade === true ? { cascade: true } : {})
        cli.out.line(`Secret ${name} is deleted.`)
      }
      cli.out.value({ deleted: names }, () => {})
    },
  },
]

/** The value is not an argument, because process lists show arguments. One trailing newline is dropped. */
async function valueFrom(cli: Cli, name: string, options: Options): Promise<string> {
  const file = textOption(options, 'file')
  if (file !== undefined) return readFileSync(file, 'utf8')
  if (!cli.isInteractive) return (await cli.input()).toString('utf8').replace(/\r?\n$/, '')
  const value = await askHidden(`Value of ${name}`)
  if (value === undefined) throw usageError('Nothing was entered.')
  return value
}

const useOf = (name: string): string =>
  name.startsWith(buildSecretPrefix)
    ? `The project's builds see it as ${name.slice(buildSecretPrefix.length)}.`
    : `Give it to a function: taibai update FUNCTION --secret ${name}`
