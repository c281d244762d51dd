import type { CommandSpec } from './command.ts'
import { exitCode } from './command.ts'

export const commands: CommandSpec[] = [
  {
    name: 'status',
    summary: 'show whether the server answers, and what it contains',
    examples: ['taibai status', 'taibai status --json'],
    async run(cli) {
      const client = cli.client()
      const runtimes = await client.runtimes.list()
      const isReady = await client.isReady()
      const [functions, jobs, stats] = await Promise.all([client.functions.list(), client.jobs.list(), client.stats()])
      const state = {
        url: client.url,
        ready: isReady,
        functions: functions.length,
        jobs: jobs.filter(({ status }) => status === 'running').length,
        runtimes: runtimes.map(({ name, status }) => ({ name, status })),
        executions: stats.executions,
        since: stats.since,
      }
      cli.out.value(state, () =>
        cli.out.fields([
          ['server', state.url],
          ['state', isReady ? 'takes calls' : 'answers, but takes no calls at the moment'],
          ['since', state.since],
          ['functions', state.functions],
          ['jobs', state.jobs],
          [
            'runtimes',
            state.runtimes
              .map(({ name, status }) => (status === 'available' ? name : `${name} (${status})`))
              .join(', '),
          ],
          ['executions', state.executions],
        ]),
      )
      return isReady ? 0 : exitCode('capacity')
    },
  },
]
