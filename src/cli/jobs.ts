import type { JobChange, JobFields, JobRow } from '../client/resources/jobs.ts'
import {
  argumentAt,
  type Cli,
  CliError,
  type CommandSpec,
  numberOption,
  type Options,
  textOption,
  usageError,
} from './command.ts'
import { functionNames, targetFields, withNames } from './servers/target.ts'
import { jobColumns, targetText, timeText } from './terminal/table-columns.ts'

const fieldOptions: [flags: string, description: string][] = [
  ['--name <text>', 'its name'],
  ['--input <text>', 'input of each run; JSON becomes a value'],
  ['--timezone <zone>', 'zone of the pattern, such as Europe/Berlin; default: UTC'],
  ['--overlap <rule>', 'if a run is due while the previous one is unfinished: allow, skip or queue'],
  ['--missed <rule>', 'runs missed during a downtime: skip, once or all'],
]

const secondsOption: [flags: string, description: string] = [
  '--seconds-first',
  'six fields begin with seconds, instead of ending with them',
]

const secondsOf = ({ secondsFirst }: Options): Pick<JobFields, 'seconds'> =>
  secondsFirst === true ? { seconds: 'first' } : {}

export const commands: CommandSpec[] = [
  {
    name: 'jobs add',
    summary: 'run a function by a cron pattern, or once at a given time',
    arguments: [
      ['<function>', 'its name, name:version or name@alias'],
      ['[pattern]', 'such as "0 9 * * mon-fri" or @hourly'],
    ],
    options: [
      ...fieldOptions,
      secondsOption,
      ['--at <time>', 'time of the first run, in UTC, such as "2027-01-01 09:00"; without a pattern, the only run'],
      ['--count <runs>', 'end after this number of runs'],
    ],
    examples: [
      'taibai jobs add greet "0 9 * * mon-fri" --timezone Europe/Berlin --name morning',
      'taibai jobs add greet --at "2030-01-01 09:00"',
    ],
    async run(cli, args, options) {
      const at = textOption(options, 'at')
      const count = numberOption(options, 'count', '--count')
      if (args[1] === undefined && at === undefined) {
        throw usageError('Say when: a pattern, such as "0 9 * * mon-fri", or --at "2030-01-01 09:00".')
      }
      const job = await cli.client().jobs.create({
        ...targetFields(argumentAt(args, 0)),
        ...fieldsOf(options),
        ...(args[1] !== undefined && { pattern: String(args[1]), ...secondsOf(options) }),
        ...(at !== undefined && { first_execution_time: at }),
        ...(count !== undefined && { count }),
      })
      cli.out.value(job, () => cli.out.line(`Job ${job.id} runs next at ${timeText(job.next_execution_time)} UTC.`))
    },
  },
  {
    name: 'jobs list',
    summary: 'show the jobs and when each runs next',
    examples: ['taibai jobs list'],
    async run(cli) {
      const rows = await cli.client().jobs.list()
      cli.out.rows(cli.out.json ? rows : await withNames(cli.client(), rows), jobColumns, 'There are no jobs.')
    },
  },
  {
    name: 'jobs show',
    summary: 'show a job',
    arguments: [['<job>', 'its id or name']],
    examples: ['taibai jobs show morning'],
    async run(cli, args) {
      const job = await findJob(cli, argumentAt(args, 0))
      const nameOf = await functionNames(cli.client())
      cli.out.value(job, () =>
        cli.out.fields([
          ['id', job.id],
          ['name', job.name],
          ['function', targetText({ ...job, function_id: nameOf(job.function_id) })],
          ['input', job.function_input],
          ['pattern', job.pattern],
          ['timezone', job.timezone],
          ['status', job.status],
          ['next', timeText(job.next_execution_time)],
          ['runs left', job.count],
          ['overlap', job.overlap],
          ['missed', job.missed],
          ...job.left_out.map(({ at, why }): [string, string] => ['left out', `${timeText(at)} (${why})`]),
        ]),
      )
    },
  },
  {
    name: 'jobs explain',
    summary: 'explain a cron pattern in words, with its next times',
    arguments: [['<pattern>', 'such as "0 9 * * mon-fri"']],
    options: [['--timezone <zone>', 'zone of the pattern, such as Europe/Berlin; default: UTC'], secondsOption],
    examples: ['taibai jobs explain "*/15 8-17 * * mon-fri" --timezone Europe/Berlin'],
    async run(cli, args, options) {
      const timezone = textOption(options, 'timezone')
      const asked = { pattern: argumentAt(args, 0), ...(timezone !== undefined && { timezone }), ...secondsOf(options) }
      const preview = await cli.client().jobs.preview(asked)
      cli.out.value(preview, () => {
        cli.out.line(`It runs ${preview.words}. The next times, in UTC:`)
        for (const time of preview.next_runs) cli.out.line(`  ${timeText(time)}`)
      })
    },
  },
  change('pause', 'pause a job', { status: 'paused' }),
  change('resume', 'resume a paused job from now on', { status: 'running' }),
  {
    name: 'jobs run',
    summary: "run a job's function now",
    arguments: [['<job>', 'its id or name']],
    examples: ['taibai jobs run morning'],
    async run(cli, args) {
      const job = await findJob(cli, argumentAt(args, 0))
      const target = job.function_alias
        ? { function_alias: job.function_alias }
        : { function_id: job.function_id ?? '', function_version: job.function_version }
      const input = job.function_input === null ? {} : { input: job.function_input }
      const row = await cli.client().executions.create({ ...target, ...input, sync: false })
      cli.out.value(row, () => cli.out.line(`${row.id} is accepted. See: taibai executions ${row.id}`))
    },
  },
  {
    name: 'jobs rm',
    summary: 'remove jobs; the records of their runs stay',
    arguments: [['<jobs...>', 'ids or names']],
    examples: ['taibai jobs rm morning'],
    async run(cli, args) {
      for (const word of args[0] as string[]) {
        await cli.client().jobs.delete((await findJob(cli, word)).id)
        cli.out.line(`Job ${word} is removed.`)
      }
      cli.out.value({ deleted: args[0] }, () => {})
    },
  },
]

function change(verb: string, summary: string, fields: JobChange): CommandSpec {
  return {
    name: `jobs ${verb}`,
    summary,
    arguments: [['<job>', 'its id or name']],
    examples: [`taibai jobs ${verb} morning`],
    async run(cli, args) {
      const { id } = await findJob(cli, argumentAt(args, 0))
      const job = await cli.client().jobs.update(id, fields)
      cli.out.value(job, () => {
        const next =
          job.next_execution_time === null ? '' : `; its next run is at ${timeText(job.next_execution_time)} UTC`
        cli.out.line(`Job ${argumentAt(args, 0)} is ${job.status}${job.status === 'running' ? next : ''}.`)
      })
    },
  }
}

function fieldsOf(options: Options): JobFields {
  const fields: JobFields = {
    name: textOption(options, 'name'),
    function_input: textOption(options, 'input'),
    timezone: textOption(options, 'timezone'),
    overlap: textOption(options, 'overlap') as JobFields['overlap'],
    missed: textOption(options, 'missed') as JobFields['missed'],
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Names may be ambiguous: then the id is required. */
async function findJob(cli: Cli, nameOrId: string): Promise<JobRow> {
  const found = (await cli.client().jobs.list()).filter(({ id, name }) => id === nameOrId || name === nameOrId)
  const [job] = found
  if (job === undefined) throw new CliError(`There is no job "${nameOrId}"; "taibai jobs list" shows all.`, 'notFound')
  if (found.length > 1)
    throw new CliError(`${found.length} jobs are called "${nameOrId}": give the id of one.`, 'usage')
  return job
}
