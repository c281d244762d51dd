import { readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import type { ExecutionFields, ExecutionRow } from '../client/resources/executions.ts'
import {
  argumentAt,
  type Cli,
  type CommandSpec,
  exitCode,
  numberOption,
  type Options,
  textOption,
  usageError,
} from './command.ts'
import { afterEveryEnd } from './function-options.ts'
import { findFunction, parseTarget, targetFields } from './servers/target.ts'
import { showPhases } from './terminal/phases-bar.ts'

/** How long each request waits for the end of a run. */
const waitSeconds = 20

export const commands: CommandSpec[] = [
  {
    name: 'invoke',
    summary: 'call a function and show its answer',
    arguments: [
      ['<function>', 'its name, name:version or name@alias'],
      ['[json]', 'the input, as --data has it; other text needs --data'],
    ],
    options: [
      ['-d, --data <text>', 'the input; JSON becomes a value'],
      ['-f, --file <file>', 'the input from a file; "-" is standard input'],
      ['--async', 'return as soon as the call is durably accepted'],
      ['--wait', 'with --async: wait until it has ended'],
      ['--delay <seconds>', 'with --async: delay before it begins'],
      ['--priority <number>', 'with --async: from -100 to 100, higher goes first; default 0'],
      ['--attempts <number>', 'with --async: maximum number of attempts, retried after any failure'],
      ['--key <text>', "idempotency key: another call with the same key returns the first call's result"],
      ['--raw', 'call it as HTTP, and show the exact bytes of its response'],
      ['--path <path>', 'with --raw: the rest of the address, such as /users?limit=3'],
      ['--method <verb>', 'with --raw; default: POST with input, otherwise GET'],
      ['-v, --verbose', 'show the phases: time spent waiting, starting and running'],
    ],
    examples: [
      'taibai invoke greet --data \'{"name": "Li Bai"}\' -v',
      'taibai invoke greet \'{"name": "Li Bai"}\'',
      'taibai invoke greet --async --wait',
      'echo hello | taibai invoke greet --file - --raw',
    ],
    async run(cli, args, options) {
      const input = await inputOf(cli, options, args[1] as string | undefined)
      if (options.raw === true) return raw(cli, argumentAt(args, 0), input, options)
      if (input !== undefined && !isUtf8(input))
        throw usageError('The input is not text: call with --raw, which sends bytes.')
      return recorded(cli, argumentAt(args, 0), input?.toString('utf8'), options)
    },
  },
]

/** `json`: given behind the function's name, where a word that is no JSON is more probably a mistake than an input. */
async function inputOf(cli: Cli, options: Options, json: string | undefined): Promise<Buffer | undefined> {
  const [said, file] = [textOption(options, 'data'), textOption(options, 'file')]
  if (json !== undefined && said !== undefined) throw usageError('Give the input once: behind the name or with --data.')
  if (json !== undefined && !isJson(json)) {
    throw usageError(`"${json}" is not JSON. Text that is the input is given with --data, a file with --file.`)
  }
  const data = said ?? json
  if (data !== undefined && file !== undefined)
    throw usageError('Give the input with --data or with --file, not with both.')
  if (data !== undefined) return Buffer.from(data)
  if (file === '-') return cli.input()
  return file === undefined ? undefined : readFileSync(file)
}

const isUtf8 = (bytes: Buffer): boolean => Buffer.from(bytes.toString('utf8')).equals(bytes)

/** Runs through the executions API, whose record contains everything. */
async function recorded(cli: Cli, target: string, input: string | undefined, options: Options): Promise<number> {
  const sync = options.async !== true
  const client = cli.client()
  let row = await client.executions
    .create({ ...targetFields(target), ...(input !== undefined && { input }), sync, ...termsOf(options) })
    .catch((error: unknown) => explainMissing(cli, target, error))
  if (!sync && options.wait !== true) {
    cli.out.value(row, () => cli.out.line(`${row.id} is accepted. See: taibai executions ${row.id}`))
    return 0
  }
  row = await ended(cli, row)
  const log = options.verbose === true || row.status !== 'success' ? await client.executions.log(row.id) : null
  cli.out.value(row, () => showEnd(cli, row, log, options.verbose === true))
  return row.status === 'success' ? 0 : exitCode('functionFailed')
}

function termsOf(options: Options): Partial<ExecutionFields> {
  const [delay, priority] = [numberOption(options, 'delay', '--delay'), numberOption(options, 'priority', '--priority')]
  const [attempts, key] = [numberOption(options, 'attempts', '--attempts'), textOption(options, 'key')]
  if (options.async !== true && [delay, priority, attempts].some((value) => value !== undefined)) {
    throw usageError('--delay, --priority and --attempts are for calls with --async.')
  }
  return {
    ...(delay !== undefined && { delay }),
    ...(priority !== undefined && { priority }),
    ...(attempts !== undefined && { retries: afterEveryEnd(attempts) }),
    ...(key !== undefined && { idempotency_key: key }),
  }
}

/** The API calls an unknown name an invalid id; the message for people is about a function. */
async function explainMissing(cli: Cli, target: string, error: unknown): Promise<never> {
  const { name, alias } = parseTarget(target)
  if ((error as { status?: number }).status === 400 && alias === undefined) await findFunction(cli.client(), name)
  throw error
}

async function ended(cli: Cli, accepted: ExecutionRow): Promise<ExecutionRow> {
  let row = accepted
  while (row.status === 'running' && !cli.interrupted.aborted) {
    row = await cli.client().executions.wait(row.id, waitSeconds)
  }
  return row
}

function showEnd(cli: Cli, row: ExecutionRow, log: string | null, verbose: boolean): void {
  const { out } = cli
  if (row.status === 'success')
    out.line(typeof row.output === 'string' ? row.output : JSON.stringify(row.output ?? null, null, 2))
  else {
    const { type, message, stack } = row.error ?? { type: row.status, message: 'no reason is recorded', stack: null }
    out.warn(out.style('red', stack ?? `${type}: ${message}`))
  }
  const printed = log?.split('\n').slice(1).join('\n').trimEnd()
  if (printed) out.warn(out.style('dim', printed))
  if (!verbose) return
  const start = row.cold_reason === null ? row.start_kind : `${row.start_kind}: ${row.cold_reason}`
  showPhases(out, row.phases, start)
  out.line(`${row.id}  ${row.memory_peak_mb ?? '–'} MiB at most, ${row.cpu_ms ?? '–'} ms of CPU`)
}

/** Calls over HTTP and passes on the function's response byte for byte as it arrives. */
async function raw(cli: Cli, target: string, input: Buffer | undefined, options: Options): Promise<number> {
  const { name, version, alias } = parseTarget(target)
  const suffix = version === undefined ? (alias === undefined ? '' : `@${alias}`) : `:${version}`
  const method = textOption(options, 'method') ?? (input === undefined ? 'GET' : 'POST')
  const path = textOption(options, 'path')
  const answer = await cli.client().openInvoke(`${name}${suffix}`, {
    method,
    ...(path !== undefined && { path }),
    ...(input !== undefined && { body: input, headers: { 'content-type': typeOf(input) } }),
    signal: cli.interrupted,
  })
  if (options.verbose === true) cli.out.warn(headText(answer.statusCode ?? 0, answer.headers))
  for await (const piece of answer) cli.out.raw(piece as Buffer)
  const status = answer.statusCode ?? 0
  return status < 400 ? 0 : exitCode(status === 404 ? 'notFound' : 'functionFailed')
}

function typeOf(input: Buffer): string {
  if (isJson(input.toString('utf8'))) return 'application/json'
  return isUtf8(input) ? 'text/plain; charset=utf-8' : 'application/octet-stream'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const headText = (status: number, headers: IncomingHttpHeaders): string =>
  [`HTTP ${status}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join('\n')
