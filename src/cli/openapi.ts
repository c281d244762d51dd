import type { CommandSpec } from './command.ts'

export const commands: CommandSpec[] = [
  {
    name: 'openapi',
    summary: 'print the description of the API, for generators of clients',
    examples: ['taibai openapi > taibai.json'],
    async run(cli) {
      cli.out.raw(`${JSON.stringify(await cli.client().openapi(), null, 2)}\n`)
    },
  },
]
