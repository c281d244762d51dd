import { type CommandSpec, usageError } from './command.ts'

export const commands: CommandSpec[] = [
  {
    name: 'serve',
    summary: 'run the server in the foreground, for service managers; it logs JSON lines and stops on SIGTERM',
    examples: ['taibai serve'],
    // `main.ts` starts the server before the command line is loaded; only unknown further arguments arrive here.
    run: () =>
      Promise.reject(usageError('"serve" takes no arguments; settings come from the environment (docs/settings.md).')),
  },
]
