import { argumentAt, CliError, type CommandSpec } from './command.ts'
import { environmentOf } from './function-options.ts'
import { findFunction } from './servers/target.ts'

export const commands: CommandSpec[] = [
  {
    name: 'env list',
    summary: 'show the environment variables of a function',
    arguments: [['<function>', 'its name or id']],
    examples: ['taibai env list greet'],
    async run(cli, args) {
      const { env } = await findFunction(cli.client(), argumentAt(args, 0))
      cli.out.value(env, () => {
        for (const [name, value] of Object.entries(env)) cli.out.line(`${name}=${value}`)
      })
    },
  },
  {
    name: 'env set',
    summary: 'set environment variables of a function; the others stay',
    arguments: [
      ['<function>', 'its name or id'],
      ['<variables...>', 'NAME=value each'],
    ],
    examples: ['taibai env set greet GREETING=hello LANGUAGE=en'],
    async run(cli, args) {
      const fn = await findFunction(cli.client(), argumentAt(args, 0))
      const env = { ...fn.env, ...environmentOf(args[1] as string[]) }
      await cli.client().functions.update(fn.id, { env })
      cli.out.value(env, () =>
        cli.out.line(`${argumentAt(args, 0)} has ${countOf(env)}: the next call sees the change.`),
      )
    },
  },
  {
    name: 'env rm',
    summary: 'remove environment variables of a function',
    arguments: [
      ['<function>', 'its name or id'],
      ['<names...>', 'names of the variables'],
    ],
    examples: ['taibai env rm greet LANGUAGE'],
    async run(cli, args) {
      const fn = await findFunction(cli.client(), argumentAt(args, 0))
      const names = args[1] as string[]
      const unknown = names.filter((name) => !(name in fn.env))
      if (unknown.length > 0)
        throw new CliError(`${fn.name ?? fn.id} has no variable ${unknown.join(', ')}.`, 'notFound')
      const env = Object.fromEntries(Object.entries(fn.env).filter(([name]) => !names.includes(name)))
      await cli.client().functions.update(fn.id, { env })
      cli.out.value(env, () =>
        cli.out.line(`${argumentAt(args, 0)} has ${countOf(env)}: the next call sees the change.`),
      )
    },
  },
]

function countOf(env: Record<string, string>): string {
  const count = Object.keys(env).length
  return count === 1 ? '1 variable' : `${count} variables`
}
