import { Command, CommanderError } from 'commander'
import { ApiError, UnreachableError } from '../client/problems.ts'
import { SetupProblem } from '../host/problem.ts'
import { makeCli, type ProgramIo } from './cli.ts'
import {
  type Args,
  type Cli,
  CliError,
  type CommandSpec,
  type ExitName,
  exitCode,
  globalOptions,
  type Options,
} from './command.ts'
import { allCommands, commandFiles, commandsOf, headingOf } from './commands.ts'

/** Runs the command line and returns the exit code. Only the file of the given command is loaded. */

/** True for the general help, which needs all commands. */
const needsAll = (argv: string[]): boolean => {
  const first = argv.find((word) => !word.startsWith('-'))
  return first === undefined || first === 'help' || !(first in commandFiles)
}

/** Does not throw and does not end the process. */
export async function runProgram(argv: string[], io: ProgramIo): Promise<number> {
  let code = 0
  const words = argv.filter((word) => !word.startsWith('-'))
  const files = needsAll(argv) ? Object.keys(commandFiles) : [words[0] as string]
  const specs = (await Promise.all(files.map(commandsOf))).flat()
  const program = makeProgram(specs, io, async (spec, args, options) => {
    code = await run(spec, makeCli(options, io, allCommands), io.version, args, options)
  })
  try {
    if (argv.length === 0) program.outputHelp()
    else await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? 0 : exitCode('usage')
  }
}

type Run = (spec: CommandSpec, args: Args, options: Options) => Promise<void>

function makeProgram(specs: CommandSpec[], io: ProgramIo, act: Run): Command {
  const program = new Command('taibai')
    .description('Functions as a service for one server.')
    .version(io.version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(sentence(text)),
    })
    // An option belongs to the command that it follows: "dead-letters" and "dead-letters drop" have the same ones.
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
    .showHelpAfterError('See "taibai help" for the commands, and --help for the options of one.')
    .addHelpText('after', '\nDocs: taibai help <command>; the server shows all pages at /docs.')
  for (const spec of specs) addCommand(program, spec, act)
  for (const command of program.commands) hintAfterError(command)
  return program
}

/** After an error, commander shows how the command is called, or the verbs of a noun. */
function hintAfterError(command: Command): void {
  const path = pathOf(command)
  const verbs = command.commands.map((each) => each.name())
  if (verbs.length === 0) command.showHelpAfterError(`Usage: ${path} ${command.usage()} (${path} --help)`)
  else command.showHelpAfterError(`The commands of ${path} are ${verbs.join(', ')}.`)
  for (const each of command.commands) hintAfterError(each)
}

const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`

/** Removes commander's prefix "error: ", since our messages are sentences. */
const sentence = (text: string): string => {
  const said = text.replace(/^error: /, '')
  return said.charAt(0).toUpperCase() + said.slice(1)
}

function addCommand(program: Command, spec: CommandSpec, act: Run): void {
  const words = spec.name.split(' ')
  const last = words.pop() as string
  const parent = words.reduce(groupOf, program)
  const command = parent.command(last).description(spec.summary).exitOverride().copyInheritedSettings(parent)
  if (parent === program) command.helpGroup(`${headingOf(last)}:`)
  for (const [syntax, description] of spec.arguments ?? []) command.argument(syntax, description)
  for (const [flags, description] of [...(spec.options ?? []), ...globalOptions]) command.option(flags, description)
  const examples = spec.examples.map((example) => `  ${example}`).join('\n')
  command.addHelpText('after', `\nExample${spec.examples.length === 1 ? '' : 's'}:\n${examples}`)
  command.action((...given: unknown[]) => {
    const args = given.slice(0, command.registeredArguments.length) as Args
    return act(spec, args, command.opts())
  })
}

/** The parent command of a noun's verbs, such as `jobs`. */
function groupOf(parent: Command, name: string): Command {
  const there = parent.commands.find((command) => command.name() === name)
  if (there !== undefined) return there
  return parent
    .command(name)
    .description(groups[name] ?? '')
    .helpGroup(`${headingOf(name)}:`)
    .exitOverride()
    .copyInheritedSettings(parent)
}

const groups: Record<string, string> = {
  jobs: 'run functions at a time or by a cron pattern',
  webhooks: 'addresses that run a function without a token',
  sources: 'containers in Swift whose changes run a function',
  aliases: 'movable names for versions of functions',
  versions: 'frozen copies of functions',
  env: 'environment variables of a function',
  secret: 'values that functions see and nobody reads back',
  token: 'API tokens (for admins)',
  'access-key': 'keys for clients that sign what they send',
  context: 'the servers that this command line knows',
  images: 'the container images of runtimes and functions',
  registry: 'credentials for image registries (for admins)',
  service: 'the server as a service of this machine',
}

async function run(spec: CommandSpec, cli: Cli, version: string, args: Args, options: Options): Promise<number> {
  try {
    return (await spec.run(cli, args, options)) ?? 0
  } catch (error) {
    cli.out.progress('')
    if (options.debug === true) cli.out.warn(String((error as Error).stack ?? error))
    const { message, exit } = explained(error, version, spec)
    if (cli.out.json) cli.out.warn(JSON.stringify({ error: message, exit_code: exitCode(exit) }))
    else cli.out.warn(cli.out.style('red', message))
    return exitCode(exit)
  }
}

/** The message and the exit code of an error. */
function explained(error: unknown, version: string, spec: CommandSpec): { message: string; exit: ExitName } {
  if (error instanceof CliError) return { message: error.message, exit: error.exit }
  if (error instanceof UnreachableError) {
    const help = 'Start it with "taibai up", or name another with --url, TAIBAI_URL or "taibai context use".'
    return { message: `${error.message} ${help}`, exit: 'unreachable' }
  }
  if (error instanceof SetupProblem) return { message: error.message, exit: 'failed' }
  if (error instanceof ApiError && error.isOfAnOlderServer) {
    const message = `The server is older than this program and cannot do this yet: it needs Taibai ${version} or newer. (${error.message})`
    return { message, exit: 'failed' }
  }
  if (error instanceof ApiError) {
    const help = error.status === 401 ? ` ${tokenHelp}` : ''
    return { message: inWordsOf(spec, error.message) + help, exit: exitOf(error) }
  }
  const { message, code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC') return { message: `The disk is full: ${message}.`, exit: 'failed' }
  if (code === 'EACCES' || code === 'EPERM') return { message: `Not permitted: ${message}.`, exit: 'failed' }
  if (code === 'ENOENT') return { message: `There is no such file: ${message}.`, exit: 'usage' }
  return { message: `${message} (--debug shows where it comes from)`, exit: 'failed' }
}

const mib = 1024 * 1024
const sizeInBytes = /^"(memory|tmp)_size" is (\d+): it must be from (\d+) to (\d+) bytes/

/** The server names a parameter of its API, which is an option of some commands. */
function inWordsOf({ options = [] }: CommandSpec, message: string): string {
  const has = (option: string) => options.some(([flags]) => flags.startsWith(`${option} `) || flags === option)
  const cascade = message.replace(', or delete with ?cascade=true', has('--cascade') ? ', or say --cascade' : '')
  if (has('--at')) return cascade.replace(/^first_execution_time\b/, '--at')
  if (!has('--memory')) return cascade
  return cascade.replace(sizeInBytes, (_all, name, ...bytes) => {
    const [given, least, most] = bytes.slice(0, 3).map((each) => Number(each) / mib)
    return `--${name} ${given}: it must be from ${least} to ${most} MiB`
  })
}

const tokenHelp =
  'Commands take it from TAIBAI_TOKEN, from a context ("taibai context add"), or from the data folder that TAIBAI_DATA_DIR names.'

function exitOf({ status, code }: ApiError): ExitName {
  // Its status is 403, but the token is sufficient: the command works once nothing uses the object.
  if (code === 'in_use') return 'failed'
  if (status === 401 || status === 403) return 'refused'
  if (status === 404) return 'notFound'
  if (status === 400 || status === 413 || status === 415 || status === 422) return 'usage'
  return status === 503 || status === 429 ? 'capacity' : 'failed'
}
