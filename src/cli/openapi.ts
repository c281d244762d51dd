import type { CommandSpec } from './command.ts'

export const commands: CommandSpec[] = [
  {
    name: 'openapi',
    summary: 'print the OpenAPI description, for client generators',
    examples: ['taibai openapi > taibai.json'],
    async run(cli) {
      cli.out.raw(`${JSON.stringify(await cli.client().openapi(), null, 2)}\n`)
    },
  },
]
