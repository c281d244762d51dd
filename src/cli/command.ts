import type { Client } from '../client/client.ts'
import type { Finding } from '../domain/platform/finding.ts'
import type { Installation, PastCall } from '../domain/runs/history.ts'
import type { Credentials } from '../host/engine-client.ts'
import type { Output } from './terminal/output.ts'

/** One command as a value: the program, its help, its completion and docs/cli.md are made from it. */
export interface CommandSpec {
  /** The words after `taibai`, such as `jobs add`. */
  name: string
  /** One sentence, without a full stop. */
  summary: string
  /** In order: `<function>` is required, `[path]` optional, `[words...]` takes the rest. */
  arguments?: [syntax: string, description: string][]
  options?: [flags: string, description: string][]
  /** Each is a complete command line that works. */
  examples: string[]
  /** Returns the exit code; undefined means 0. Throws CliError, ApiError or UnreachableError, whose message is shown. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands end without a code
  run(cli: Cli, args: Args, options: Options): Promise<number | void>
}

/** The arguments in order; an argument that takes the rest is a list. */
export type Args = (string | string[] | undefined)[]

/** Option names in camelCase. A flag is true; a repeatable option is a list. */
export type Options = Record<string, string | boolean | string[] | undefined>

/** Options of every command. */
export const globalOptions: [flags: string, description: string][] = [
  ['--json', 'show JSON, for programs'],
  ['--context <name>', 'the server to use, by its name in "taibai context list"'],
  ['--url <address>', 'the server to use, by its address'],
  ['--debug', 'show where an error comes from'],
]

/** The environment of a command. */
export interface Cli {
  /** All commands. */
  commands(): Promise<CommandSpec[]>
  out: Output
  /** A client of the server that the options, the environment, the current context or this machine names, in this order. */
  client(): Client
  /** The same server's address, and what named it. */
  server(): NamedServer
  /** All of standard input. */
  input(): Promise<Buffer>
  /** Standard input as a stream. */
  inputStream(): Input
  /** True when a person can be asked, at a terminal. */
  isInteractive: boolean
  /** Folder of the runtimes, which contain the templates. */
  runtimesDir: string
  /** Folder of the contexts; created when a context is stored. */
  configDir: string
  /** Data folder of this machine's server. */
  dataDir: string
  /** For `readSettings`: the variables of this machine's server where it was started from another folder. */
  localVariables: Record<string, string>
  /** Access to data folders of this machine, without a server. */
  local: LocalData
  /** Aborts on Ctrl-C: commands that follow something stop then. */
  interrupted: AbortSignal
  now(): number
  sleep(ms: number): Promise<void>
}

/** Standard input; a terminal in raw mode delivers each key. */
export type Input = NodeJS.ReadableStream & { isTTY?: boolean; setRawMode?(on: boolean): unknown }

/** The server that a command uses. */
export interface NamedServer {
  url: string
  token(): string | null
  /** `machine`: the default. `session`: the server of `taibai dev` in this folder. */
  namedBy: 'option' | 'environment' | 'context' | 'machine' | 'session'
  /** The context's name. */
  context?: string
}

/** Operations on data folders without a server. A failure is an Error with a sentence. */
export interface LocalData {
  /** Creates a data folder from a backup. */
  restore(file: string, dataDir: string): Promise<{ packages: number; createdAt: string }>
  /** Checks a data folder, including its databases; changes nothing. */
  inspect(dataDir: string): Promise<Finding[]>
  /** This installation's logins at image registries. */
  credentials(): Promise<Credentials>
  /** Calls in a ledger file, and the functions in the catalogue beside it; changes nothing. */
  history(ledgerFile: string, sinceMs: number): Promise<{ calls: PastCall[]; installation: Installation }>
}

/** Exit codes; docs/cli.md lists them. */
export const exitCodes = {
  ok: [0, 'everything worked'],
  failed: [1, 'something failed; the message on standard error says what'],
  usage: [2, 'the command line or a file that it names is wrong'],
  unreachable: [3, 'no server answers at that address'],
  refused: [4, 'the server does not accept the token, or the token may not do this'],
  notFound: [5, 'something that the command names does not exist'],
  capacity: [6, 'the server cannot take more at the moment; try again later'],
  functionFailed: [10, 'the function ran and failed'],
} as const satisfies Record<string, [code: number, meaning: string]>

export type ExitName = keyof typeof exitCodes

export const exitCode = (name: ExitName): number => exitCodes[name][0]

/** A mistake in the command or in a user's file, as a sentence. */
export class CliError extends Error {
  override name = 'CliError'
  readonly exit: ExitName

  constructor(message: string, exit: ExitName = 'failed') {
    super(message)
    this.exit = exit
  }
}

export const usageError = (message: string): CliError => new CliError(message, 'usage')

/** A required argument. */
export const argumentAt = (args: Args, at: number): string => String(args[at])

export const textOption = (options: Options, name: string): string | undefined => {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** A whole number; otherwise throws CliError with a sentence. */
export function numberOption(options: Options, name: string, flag: string): number | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  const number = Number(text)
  if (!Number.isInteger(number)) throw usageError(`${flag} takes a whole number, not "${text}".`)
  return number
}
