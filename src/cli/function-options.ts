import { destinationFrom } from '../client/destination-text.ts'
import type { Destination, FunctionFields, Retries, SecretUse } from '../client/resources/functions.ts'
import { numberOption, type Options, textOption, usageError } from './command.ts'

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
