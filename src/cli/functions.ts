import { writeFileSync } from 'node:fs'
import { destinationFrom, destinationToRead } from '../client/destination-text.ts'
import type { Destination, FunctionFields, FunctionRow, Retries, SecretUse } from '../client/resources/functions.ts'
import { argumentAt, type CommandSpec, numberOption, type Options, textOption, usageError } from './command.ts'
import { findFunction, parseTarget } from './servers/target.ts'
import { askConfirmation } from './terminal/prompts.ts'
import { functionColumns, timeText } from './terminal/table-columns.ts'

const mib = 1024 * 1024

/** Options for a function's fields besides its code, shared by `deploy` and `update`. */
export const fieldOptions: [flags: string, description: string][] = [
  ['--runtime <name>', 'its runtime; default: detected from its files'],
  ['--entry <module.callable>', 'the handler that is called; default: main.main'],
  ['--signature <name>', 'its calling convention, such as event, http or qinling'],
  ['--memory <MiB>', 'memory of a worker'],
  ['--tmp <MiB>', 'size of /tmp, which is part of that memory'],
  ['--timeout <seconds>', 'how long a call may take'],
  ['--concurrency <calls>', 'concurrent calls in one worker'],
  ['--min-workers <count>', 'workers that are always warm'],
  ['--max-workers <count>', 'maximum number of workers'],
  ['--max-running <calls>', 'maximum number of running calls in all workers; none: no limit'],
  ['--max-rate <calls>', 'maximum calls per second; none: no limit'],
  ['--max-gb-seconds <number>', 'maximum GB-seconds per day of its workers while calls run; none: no limit'],
  ['--placement <NAME=value...>', 'labels of the swarm nodes that may run it; none: all nodes'],
  ['--sandbox <runtime>', "OCI runtime of its containers, such as runsc; none is the engine's default"],
  ['--record <what>', 'what is kept of its executions: full, summary, failures or none'],
  [
    '--attempts <number>',
    "maximum number of attempts of an accepted run, retried after any failure; none: the server's default",
  ],
  [
    '--on-success <place>',
    'destination of results of accepted runs: a function, a URL or zaqar://QUEUE; none: no destination',
  ],
  ['--on-failure <place>', 'destination of failures that will not be retried; as --on-success'],
  ['--network <kind>', 'egress or none'],
  ['--api', 'let it call the API: address and token are in its context'],
  ['--no-api', 'do not let it call the API'],
  ['--description <text>', 'what it is for'],
  ['-e, --env <NAME=value...>', 'environment variables; they replace all existing ones'],
  [
    '--secret <NAME=place...>',
    'secrets that it gets: NAME or NAME=VARIABLE, or NAME=@FILE for /run/secrets/FILE; they replace all existing ones',
  ],
]

/** The fields for which options were given. */
export function fieldsOfOptions(options: Options): FunctionFields {
  const memoryMib = numberOption(options, 'memory', '--memory')
  const tmpMib = numberOption(options, 'tmp', '--tmp')
  const attempts = limitOption(options, 'attempts', '--attempts')
  const fields: FunctionFields = {
    runtime: textOption(options, 'runtime'),
    entry: textOption(options, 'entry'),
    signature: textOption(options, 'signature'),
    memory_size: memoryMib === undefined ? undefined : memoryMib * mib,
    tmp_size: tmpMib === undefined ? undefined : tmpMib * mib,
    timeout: numberOption(options, 'timeout', '--timeout'),
    concurrency: numberOption(options, 'concurrency', '--concurrency'),
    min_workers: numberOption(options, 'minWorkers', '--min-workers'),
    max_workers: numberOption(options, 'maxWorkers', '--max-workers'),
    max_running: limitOption(options, 'maxRunning', '--max-running'),
    max_rate: limitOption(options, 'maxRate', '--max-rate'),
    max_gb_seconds_per_day: limitOption(options, 'maxGbSeconds', '--max-gb-seconds'),
    placement: placementOf(options.placement as string[] | undefined),
    sandbox: options.sandbox === 'none' ? null : textOption(options, 'sandbox'),
    record: textOption(options, 'record') as FunctionFields['record'],
    retries: typeof attempts === 'number' ? afterEveryEnd(attempts) : attempts,
    on_success: destinationOf(textOption(options, 'onSuccess')),
    on_failure: destinationOf(textOption(options, 'onFailure')),
    network: textOption(options, 'network') as FunctionFields['network'],
    api: typeof options.api === 'boolean' ? options.api : undefined,
    description: textOption(options, 'description'),
    env: options.env === undefined ? undefined : environmentOf(options.env as string[]),
    secrets: options.secret === undefined ? undefined : (options.secret as string[]).map(secretUse),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** `none` removes a limit (null). */
const limitOption = (options: Options, name: string, flag: string): number | null | undefined =>
  options[name] === 'none' ? null : numberOption(options, name, flag)

/** The meaning of `--attempts`. */
export const afterEveryEnd = (attempts: number): Retries => ({
  max_attempts: attempts,
  on: ['error', 'failed', 'timeout'],
})

function destinationOf(place: string | undefined): Destination | null | undefined {
  if (place === undefined) return undefined
  if (place === 'none') return null
  try {
    return destinationFrom(place)
  } catch (error) {
    throw usageError((error as Error).message)
  }
}

/** `none` alone: all nodes. */
const placementOf = (pairs: string[] | undefined): Record<string, string> | null | undefined =>
  pairs === undefined ? undefined : pairs.join() === 'none' ? null : environmentOf(pairs)

const labelsText = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ')

/** Parses `NAME=value` pairs. */
export function environmentOf(pairs: string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw usageError(`"${pair}" is not a variable: write NAME=value.`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

/** Parses `NAME`, `NAME=VARIABLE` or `NAME=@file`. */
function secretUse(text: string): SecretUse {
  const [name = '', place = name] = text.split('=', 2)
  return place.startsWith('@') ? { name, as: 'file', to: place.slice(1) || name } : { name, as: 'env', to: place }
}

export const commands: CommandSpec[] = [
  {
    name: 'list',
    summary: 'show the functions',
    options: [['--all-projects', 'of every project (for admins)']],
    examples: ['taibai list', 'taibai list --json'],
    async run(cli, _args, options) {
      const client = cli.client()
      const [rows, runtimes] = await Promise.all([
        client.functions.list(options.allProjects === true ? { all_projects: true } : {}),
        client.runtimes.list(),
      ])
      const names = new Map(runtimes.map(({ id, name }) => [id, name]))
      cli.out.rows(rows, functionColumns(names), 'There are no functions yet. Make one with: taibai init nodejs hello')
    },
  },
  {
    name: 'show',
    summary: 'show a function',
    arguments: [['<function>', 'its name or id']],
    examples: ['taibai show greet'],
    async run(cli, args) {
      const fn = await findFunction(cli.client(), argumentAt(args, 0))
      cli.out.value(fn, () => showFunction(cli.out, fn, cli.client().url))
    },
  },
  {
    name: 'update',
    summary: 'change the settings of a function; "deploy" changes its code',
    arguments: [['<function>', 'its name or id']],
    options: [
      ...fieldOptions.filter(([flags]) => !flags.startsWith('--runtime')),
      ['--name <name>', 'its new name'],
      ['--image <image>', 'new image or tag of a function that is an image'],
    ],
    examples: [
      'taibai update greet --timeout 30 --memory 256',
      'taibai update tool --image ghcr.io/me/tool:3',
      'taibai update greet -e GREETING=hello -e LANGUAGE=en',
    ],
    async run(cli, args, options) {
      const name = textOption(options, 'name')
      const image = textOption(options, 'image')
      const fields = {
        ...fieldsOfOptions(options),
        ...(name !== undefined && { name }),
        ...(image !== undefined && { image }),
      }
      if (Object.keys(fields).length === 0) throw usageError('Name what to change, such as --timeout 30.')
      const fn = await cli.client().functions.update(argumentAt(args, 0), fields)
      cli.out.value(fn, () => cli.out.line(`${fn.name ?? fn.id} is changed: the next call sees it.`))
    },
  },
  {
    name: 'delete',
    summary: 'remove functions with their versions and workers',
    arguments: [['<functions...>', 'names or ids']],
    options: [
      ['-y, --yes', 'do not ask'],
      ['--cascade', 'with the jobs, webhooks, sources and aliases that point at them'],
    ],
    examples: ['taibai delete greet', 'taibai delete old-one older-one --cascade --yes'],
    async run(cli, args, options) {
      const names = args[0] as string[]
      if (options.yes !== true && !(await askConfirmation(cli, `Remove ${names.join(', ')} for good?`))) return
      for (const name of names) {
        const fn = await findFunction(cli.client(), name)
        await cli.client().functions.delete(fn.id, options.cascade === true ? { cascade: true } : {})
        cli.out.line(`${name} is removed.`)
      }
      cli.out.value({ deleted: names }, () => {})
    },
  },
  {
    name: 'download',
    summary: 'download the package of a function as a ZIP',
    arguments: [
      ['<function>', 'its name, or name:version'],
      ['[file]', 'output file; "-" is standard output; default: <name>.zip'],
    ],
    examples: ['taibai download greet', 'taibai download greet:2 - > greet-2.zip'],
    async run(cli, args) {
      const { name, version } = parseTarget(argumentAt(args, 0))
      const zip = await cli.client().functions.download(name, version)
      const file = (args[1] as string | undefined) ?? `${name}.zip`
      if (file === '-') return cli.out.raw(zip)
      writeFileSync(file, zip)
      cli.out.value({ file, bytes: zip.length }, () => cli.out.line(`The package is in ${file}: ${zip.length} bytes.`))
    },
  },
]

function showFunction(out: Parameters<CommandSpec['run']>[0]['out'], fn: FunctionRow, url: string): void {
  out.fields([
    ['name', fn.name],
    ['id', fn.id],
    ['description', fn.description],
    ['address', `${url}/fn/${fn.name ?? fn.id}`],
    ['code', codeText(fn.code)],
    ['entry', fn.entry],
    ['signature', fn.signature],
    ['memory', `${Math.round(fn.memory_size / mib)} MiB`],
    ['/tmp', fn.tmp_size === null ? null : `${Math.round(fn.tmp_size / mib)} MiB`],
    ['timeout', `${fn.timeout} s`],
    ['concurrency', fn.concurrency],
    ['workers', workersText(fn)],
    ['limits', limitsText(fn)],
    ['sandbox', fn.sandbox],
    ['placement', labelsText(fn.placement) || null],
    ['recorded', fn.record],
    ['retries', fn.retries && JSON.stringify(fn.retries)],
    ['on success', fn.on_success && destinationToRead(fn.on_success)],
    ['on failure', fn.on_failure && destinationToRead(fn.on_failure)],
    ['callers', fn.access === 'public' ? 'everybody' : 'with a token'],
    ['hosts', (fn.hosts ?? []).join(', ')],
    ['network', fn.network],
    ['may call the API', fn.api ? 'yes' : 'no'],
    ['environment', Object.keys(fn.env ?? {}).join(', ')],
    ['secrets', (fn.secrets ?? []).map(({ name }) => name).join(', ')],
    ['versions', fn.latest_version],
    ['calls', fn.count],
    ['created', timeText(fn.created_at)],
    ['changed', timeText(fn.updated_at)],
  ])
}

function codeText(code: FunctionRow['code']): string {
  if (code.source === 'image') return `image ${code.image}`
  if (code.source === 'swift') return `object ${JSON.stringify(code.swift)} in Swift`
  return code.source
}

const limitsText = ({ max_running, max_rate, max_gb_seconds_per_day: perDay }: FunctionRow): string =>
  [max_running && `${max_running} at once`, max_rate && `${max_rate} a second`, perDay && `${perDay} GB-seconds a day`]
    .filter(Boolean)
    .join(', ')

const workersText = ({ min_workers, max_workers }: FunctionRow): string =>
  `${min_workers} or more, ${max_workers === null ? 'as many as memory allows' : `at most ${max_workers}`}`
