import type { Client } from '../client/client.ts'
import type { Finding } from '../domain/finding.ts'
import type { Installation, PastCall } from '../domain/history.ts'
import type { Credentials } from '../host/engine-client.ts'
import type { Output } from './output.ts'

/** One command of the program, as a value: the program, its help, its completion and docs/cli.md are made from it. */
export interface CommandSpec {
  /** The words after `taibai`, such as `jobs add`. */
  name: string
  /** One sentence, without a full stop. */
  summary: string
  /** In order: `<function>` has to be given, `[path]` may be, `[words...]` takes the rest. */
  arguments?: [syntax: string, description: string][]
  options?: [flags: string, description: string][]
  /** Each is a whole command line that works. */
  examples: string[]
  /** The exit code; nothing means 0. Throws CliError, ApiError or UnreachableError, whose message is shown. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands end without a code
  run(cli: Cli, args: Args, options: Options): Promise<number | void>
}

/** What was given for the arguments, in order; an argument that takes the rest is a list. */
export type Args = (string | string[] | undefined)[]

/** Names of options in camelCase. A flag is true, an option that may be repeated a list. */
export type Options = Record<string, string | boolean | string[] | undefined>

/** Every command has them. */
export const globalOptions: [flags: string, description: string][] = [
  ['--json', 'show JSON, for programs'],
  ['--context <name>', 'the server to ask, by its name in "taibai context list"'],
  ['--url <address>', 'the server to ask, by its address'],
  ['--debug', 'show where an error comes from'],
]

/** What a command works with. */
export interface Cli {
  /** All commands that there are. */
  commands(): Promise<CommandSpec[]>
  out: Output
  /** The client of the server that the options, the environment, the chosen context or this machine name, in this order. */
  client(): Client
  /** The same server as an address, and who named it. */
  server(): NamedServer
  /** All of standard input. */
  input(): Promise<Buffer>
  /** The same as it comes. */
  inputStream(): Input
  /** Whether a person sits at both ends and can be asked. */
  isInteractive: boolean
  /** Folder of the runtimes, which bring the templates. */
  runtimesDir: string
  /** Folder of the contexts; made when something is kept in it. */
  configDir: string
  /** Data folder of the server of this machine. */
  dataDir: string
  /** Data folders of this machine, with no server between. */
  local: LocalData
  /** Ends when the person presses Ctrl-C: commands that follow something stop then. */
  interrupted: AbortSignal
  now(): number
  sleep(ms: number): Promise<void>
}

/** Standard input; a terminal hands over each key when it is told to. */
export type Input = NodeJS.ReadableStream & { isTTY?: boolean; setRawMode?(on: boolean): unknown }

/** The server that a command asks. */
export interface NamedServer {
  url: string
  token(): string | null
  /** `machine`: nobody named one. `session`: it is that of `taibai dev` in this folder. */
  namedBy: 'option' | 'environment' | 'context' | 'machine' | 'session'
  /** Its name in `taibai context list`. */
  context?: string
}

/** What is done with data folders without a server. What cannot be done is an Error with a sentence. */
export interface LocalData {
  /** Makes a data folder of a backup. */
  restore(file: string, dataDir: string): Promise<{ packages: number; createdAt: string }>
  /** Looks a data folder over and reads its databases whole; changes nothing. */
  inspect(dataDir: string): Promise<Finding[]>
  /** Who the installation of this machine is at the registry of an image. */
  credentials(): Promise<Credentials>
  /** The calls that a ledger's file holds, and what the catalogue beside it says of their functions; changes nothing. */
  history(ledgerFile: string, sinceMs: number): Promise<{ calls: PastCall[]; installation: Installation }>
}

/** The exit codes; docs/cli.md lists them. */
export const exitCodes = {
  ok: [0, 'everything worked'],
  failed: [1, 'something failed; the sentence on standard error says what'],
  usage: [2, 'the command line or a file that it names is wrong'],
  unreachable: [3, 'no server answers at that address'],
  refused: [4, 'the server does not accept the token, or the token may not do this'],
  notFound: [5, 'what the command names does not exist'],
  capacity: [6, 'the server cannot take more at the moment; try again later'],
  functionFailed: [10, 'the function ran and failed'],
} as const satisfies Record<string, [code: number, meaning: string]>

export type ExitName = keyof typeof exitCodes

export const exitCode = (name: ExitName): number => exitCodes[name][0]

/** A mistake of the person or of a file of theirs, told in a sentence. */
export class CliError extends Error {
  override name = 'CliError'
  readonly exit: ExitName

  constructor(message: string, exit: ExitName = 'failed') {
    super(message)
    this.exit = exit
  }
}

export const usageError = (message: string): CliError => new CliError(message, 'usage')

/** An argument that the syntax says is there. */
export const given = (args: Args, at: number): string => String(args[at])

export const textOption = (options: Options, name: string): string | undefined => {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** A whole number, or a sentence. */
export function numberOption(options: Options, name: string, flag: string): number | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  const number = Number(text)
  if (!Number.isInteger(number)) throw usageError(`${flag} takes a whole number, and "${text}" is none.`)
  return number
}
