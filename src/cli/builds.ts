import type { BuildRow } from '../client/resources/builds.ts'
import type { ListQuery } from '../client/resources/row.ts'
import { argumentAt, type Cli, type CommandSpec, numberOption, textOption } from './command.ts'
import { findFunction } from './servers/target.ts'
import type { Column } from './terminal/output.ts'
import { timeText } from './terminal/table-columns.ts'

const usualRows = 20
const lastLines = 20

const columns: Column<BuildRow>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'FUNCTION', value: ({ function_name, function_id }) => function_name ?? function_id },
  { title: 'RUNTIME', value: ({ runtime }) => runtime },
  { title: 'LIST', value: ({ list }) => list },
  { title: 'STATUS', value: ({ status, cached }) => (cached ? `${status} (cached)` : status) },
  { title: 'MIB', value: ({ size }) => (size === null ? null : (size / 1024 / 1024).toFixed(1)), right: true },
  { title: 'BEGAN', value: ({ created_at }) => timeText(created_at) },
]

export const commands: CommandSpec[] = [
  {
    name: 'builds',
    summary: 'list builds, the newest first',
    options: [
      ['--function <name>', 'only for this function'],
      ['--status <status>', 'only running, success, failed, superseded or interrupted'],
      ['--limit <rows>', `how many; default: ${usualRows}`],
    ],
    examples: ['taibai builds', 'taibai builds --function resize --status failed'],
    async run(cli, _args, options) {
      const [name, status] = [textOption(options, 'function'), textOption(options, 'status')]
      const query: ListQuery = {
        limit: numberOption(options, 'limit', '--limit') ?? usualRows,
        ...(status !== undefined && { status }),
        ...(name !== undefined && { function_id: (await findFunction(cli.client(), name)).id }),
      }
      cli.out.rows(await cli.client().builds.list(query), columns, 'Nothing has been built.')
    },
  },
  {
    name: 'builds show',
    summary: 'show a build: its function, its result, and the last lines of output if it failed',
    arguments: [['<build>', 'its id']],
    examples: ['taibai builds show 0197c0de-0000-7000-8000-000000000000'],
    async run(cli, args) {
      const { builds } = cli.client()
      const build = await builds.get(argumentAt(args, 0))
      const log = build.status === 'success' ? '' : await builds.log(build.id)
      cli.out.value(build, () => showBuild(cli, build, log.trimEnd().split('\n').slice(-lastLines).join('\n')))
    },
  },
  {
    name: 'builds log',
    summary: 'show the output of a build',
    arguments: [['<build>', 'its id']],
    options: [['-f, --follow', 'follow its output until it ends']],
    examples: [
      'taibai builds log 0197c0de-0000-7000-8000-000000000000',
      'taibai builds log 0197c0de-0000-7000-8000-000000000000 -f',
    ],
    async run(cli, args, options) {
      const { builds } = cli.client()
      const id = argumentAt(args, 0)
      if (options.follow === true) return follow(cli, id)
      const log = await builds.log(id)
      if (cli.out.json) cli.out.value({ log }, () => {})
      else cli.out.raw(log)
    },
  },
  {
    name: 'builds cancel',
    summary: 'cancel a build that runs or waits; its function stays as it is',
    arguments: [['<build>', 'its id']],
    examples: ['taibai builds cancel 0197c0de-0000-7000-8000-000000000000'],
    async run(cli, args) {
      const build = await cli.client().builds.cancel(argumentAt(args, 0))
      const { status, error } = build
      cli.out.value(build, () =>
        cli.out.line(status === 'running' ? 'It ends soon.' : `${status}: ${error ?? 'it is over.'}`),
      )
    },
  },
  {
    name: 'builds rebuild',
    summary: "install the dependencies of a build's package again, and deploy it",
    arguments: [['<build>', 'its id']],
    options: [['--async', 'do not wait for it']],
    examples: ['taibai builds rebuild 0197c0de-0000-7000-8000-000000000000'],
    async run(cli, args, options) {
      const { out } = cli
      const onOutput = (text: string) => out.warn(text.replace(/\n$/, ''))
      const isAsync = options.async === true
      const how = {
        async: isAsync,
        onOutput,
        ...(isAsync && { onBuild: (build: BuildRow) => out.value(build, () => out.line(buildStartedText(build))) }),
      }
      const fn = await cli.client().builds.rebuild(argumentAt(args, 0), how)
      if (fn !== null) out.value(fn, () => out.line(out.style('green', 'Deployed: the next call sees it.')))
    },
  },
]

/** The message for somebody who stops waiting for a build. */
export const buildGoesOnText = ({ id }: BuildRow): string =>
  `The build continues, and its result is deployed. To follow it: taibai builds log ${id} -f. To cancel it: taibai builds cancel ${id}`

/** The message for a build that is not awaited. */
export const buildStartedText = ({ id, function_name }: BuildRow): string =>
  `${function_name ?? 'The function'} is being built and is then deployed: taibai builds log ${id} -f`

/** Follows the build to its end and reports the result. */
async function follow(cli: Cli, id: string): Promise<number> {
  const { builds } = cli.client()
  try {
    for await (const text of builds.followLog(id, cli.interrupted)) {
      if (cli.out.json) cli.out.raw(`${JSON.stringify({ build: id, text })}\n`)
      else cli.out.raw(text)
    }
  } catch (error) {
    if (cli.interrupted.aborted) return 0
    throw error
  }
  const { status, error } = await builds.get(id)
  if (cli.out.json) cli.out.raw(`${JSON.stringify({ build: id, status, error })}\n`)
  else if (error !== null) cli.out.line(cli.out.style('red', `${status}: ${error}`))
  return status === 'success' ? 0 : 1
}

function showBuild({ out }: Cli, build: BuildRow, log: string): void {
  out.fields([
    ['id', build.id],
    ['function', build.function_name ?? build.function_id],
    ['runtime', build.runtime],
    ['list', build.list],
    ['status', build.cached ? `${build.status} (installed before)` : build.status],
    ['size', build.size === null ? null : `${(build.size / 1024 / 1024).toFixed(1)} MiB`],
    ['began', timeText(build.created_at)],
    ['ended', build.ended_at],
    ['error', build.error],
  ])
  if (log !== '') out.line(`\n${log}`)
}
