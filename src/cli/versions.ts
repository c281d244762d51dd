import { argumentAt, CliError, type CommandSpec, textOption, usageError } from './command.ts'
import { findFunction, parseTarget, withNames } from './servers/target.ts'
import { aliasColumns, versionColumns, weightsText } from './terminal/table-columns.ts'

export const commands: CommandSpec[] = [
  {
    name: 'versions list',
    summary: 'list the published versions of a function',
    arguments: [['<function>', 'its name or id']],
    examples: ['taibai versions list greet'],
    async run(cli, args) {
      const fn = await findFunction(cli.client(), argumentAt(args, 0))
      const rows = await cli.client().versions.list(fn.id)
      cli.out.rows(
        rows,
        versionColumns,
        `${argumentAt(args, 0)} has no versions. Make one with: taibai versions publish ${argumentAt(args, 0)}`,
      )
    },
  },
  {
    name: 'versions publish',
    summary: 'publish the current code of a function as its next version',
    arguments: [['<function>', 'its name or id']],
    options: [
      ['--description <text>', 'what is new'],
      ['--alias <name>', 'point this alias to it'],
    ],
    examples: ['taibai versions publish greet --description "new greeting" --alias live'],
    async run(cli, args, options) {
      const client = cli.client()
      const fn = await findFunction(client, argumentAt(args, 0))
      const description = textOption(options, 'description')
      const version = await client.versions.create(fn.id, description === undefined ? {} : { description })
      const alias = textOption(options, 'alias')
      if (alias !== undefined) await pointAlias(cli, alias, fn.id, version.version_number)
      cli.out.value(version, () => {
        cli.out.line(
          `${argumentAt(args, 0)}:${version.version_number} is frozen${alias ? `, and ${alias} points to it` : ''}.`,
        )
      })
    },
  },
  {
    name: 'versions rm',
    summary: 'remove a version that nothing refers to',
    arguments: [['<version>', 'as name:version']],
    examples: ['taibai versions rm greet:1'],
    async run(cli, args) {
      const { name, version } = parseTarget(argumentAt(args, 0))
      if (version === undefined) throw usageError('Say which version: name:version, such as greet:1.')
      const fn = await findFunction(cli.client(), name)
      await cli.client().versions.delete(fn.id, version)
      cli.out.value({ deleted: argumentAt(args, 0) }, () => cli.out.line(`${argumentAt(args, 0)} is removed.`))
    },
  },
  {
    name: 'aliases list',
    summary: 'show the aliases',
    examples: ['taibai aliases list'],
    async run(cli) {
      const rows = await cli.client().aliases.list()
      cli.out.rows(cli.out.json ? rows : await withNames(cli.client(), rows), aliasColumns, 'There are no aliases.')
    },
  },
  {
    name: 'aliases set',
    summary: 'create an alias, or point it to another version',
    arguments: [
      ['<alias>', 'its name'],
      ['<version>', 'as name:version'],
    ],
    options: [
      [
        '--weight <version=share...>',
        'share of calls, from 0 to 1, that another version gets, such as 4=0.1; may be repeated. Default: all calls run the one version',
      ],
    ],
    examples: ['taibai aliases set live greet:2', 'taibai aliases set live greet:3 --weight 4=0.1'],
    async run(cli, args, options) {
      const { name, version = 0 } = parseTarget(argumentAt(args, 1))
      const fn = await findFunction(cli.client(), name)
      const alias = await pointAlias(
        cli,
        argumentAt(args, 0),
        fn.id,
        version,
        weightsOf((options.weight ?? []) as string[]),
      )
      const others = alias.weights === undefined ? '' : `, and some calls run another: ${weightsText(alias.weights)}`
      cli.out.value(alias, () => cli.out.line(`${argumentAt(args, 0)} points to ${name}:${version}${others}.`))
    },
  },
  {
    name: 'aliases rm',
    summary: 'remove an alias that nothing uses',
    arguments: [['<alias>', 'its name']],
    examples: ['taibai aliases rm live'],
    async run(cli, args) {
      await cli
        .client()
        .aliases.delete(argumentAt(args, 0))
        .catch(noAlias(argumentAt(args, 0)))
      cli.out.value({ deleted: argumentAt(args, 0) }, () => cli.out.line(`${argumentAt(args, 0)} is removed.`))
    },
  },
  {
    name: 'rollback',
    summary: 'point an alias to its previous version, or to the given one',
    arguments: [
      ['<alias>', 'its name'],
      ['[version]', 'version number; default: the previous version'],
    ],
    examples: ['taibai rollback live', 'taibai rollback live 3'],
    async run(cli, args) {
      const client = cli.client()
      const name = argumentAt(args, 0)
      const alias = await client.aliases.get(name).catch(noAlias(name))
      const numbers = (await client.versions.list(alias.function_id)).map(({ version_number }) => version_number)
      const wanted = args[1] === undefined ? before(numbers, alias.function_version) : Number(args[1])
      if (wanted === undefined) throw new CliError(`${name} points to the oldest version: there is no earlier one.`)
      if (!numbers.includes(wanted)) throw new CliError(`There is no version ${args[1]}.`, 'notFound')
      const changed = await client.aliases.update(name, { function_id: alias.function_id, function_version: wanted })
      cli.out.value(changed, () =>
        cli.out.line(`${name} points to version ${wanted}; it was ${alias.function_version}.`),
      )
    },
  },
]

/** For `catch`: replaces the server's 404 by what to do. */
const noAlias =
  (name: string) =>
  (error: unknown): never => {
    if ((error as { status?: number }).status !== 404) throw error
    throw new CliError(`There is no alias "${name}"; "taibai aliases list" shows all.`, 'notFound')
  }

/** The highest lower version; 0, the function itself, counts as the latest. */
function before(numbers: number[], current: number): number | undefined {
  const lower = numbers.filter((number) => current === 0 || number < current)
  return lower.length === 0 ? undefined : Math.max(...lower)
}

/** Parses texts such as `4=0.1`. Throws CliError; the server checks the rest. */
function weightsOf(texts: string[]): Record<string, number> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, version, share] = /^(\d+)=(\d*\.?\d+)$/.exec(text) ?? []
      if (version === undefined) throw usageError(`--weight ${text}: say version=share, such as 4=0.1.`)
      return [version, Number(share)]
    }),
  )
}

async function pointAlias(
  cli: Parameters<CommandSpec['run']>[0],
  name: string,
  functionId: string,
  version: number,
  weights: Record<string, number> = {},
) {
  const fields = { function_id: functionId, function_version: version, weights }
  const { aliases } = cli.client()
  try {
    return await aliases.update(name, fields)
  } catch (error) {
    if ((error as { status?: number }).status !== 404) throw error
    return aliases.create({ name, ...fields })
  }
}
