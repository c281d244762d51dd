import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CliSettings } from '../cli-settings.ts'
import { type Client, makeClient } from '../client/client.ts'
import { type Cli, CliError, type Options, textOption } from './command.ts'
import { readContexts } from './contexts.ts'
import { Output, type OutputOptions } from './output.ts'

/** The process around the program. */
export interface ProgramIo {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  stdout: OutputOptions['stdout']
  stderr: OutputOptions['stderr']
  settings: CliSettings
  version: string
  local: Cli['local']
  interrupted: AbortSignal
}

export function makeCli(options: Options, io: ProgramIo, commands: Cli['commands']): Cli {
  const { settings } = io
  const out = new Output({
    stdout: io.stdout,
    stderr: io.stderr,
    json: options.json === true,
    colors: !settings.noColor,
  })
  let client: Client | undefined
  return {
    commands,
    out,
    client: () => {
      client ??= makeClient(serverOf(options, settings))
      return client
    },
    input: async () => {
      const pieces: Buffer[] = []
      for await (const piece of io.stdin) pieces.push(Buffer.from(piece as Uint8Array))
      return Buffer.concat(pieces)
    },
    inputStream: () => io.stdin,
    get isInteractive() {
      return options.json !== true && io.stdout.isTTY === true && io.stdin.isTTY === true
    },
    runtimesDir: settings.runtimesDir,
    configDir: settings.configDir,
    dataDir: settings.localDataDir,
    local: io.local,
    interrupted: io.interrupted,
    now: () => Date.now(),
    sleep: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms)
        io.interrupted.addEventListener('abort', () => {
          clearTimeout(timer)
          resolve()
        })
      }),
  }
}

/** Named on the command line, in the environment, by the chosen context, or the server of this machine. */
function serverOf(options: Options, settings: CliSettings): { url: string; token: () => string | null } {
  const url = textOption(options, 'url') ?? (options.context === undefined ? settings.url : undefined)
  if (url !== undefined) return { url, token: () => settings.token ?? localToken(settings) }
  const { current, contexts } = readContexts(settings.configDir)
  const name = textOption(options, 'context') ?? settings.context ?? current
  if (name === undefined || name === 'local')
    return { url: settings.localUrl, token: () => settings.token ?? localToken(settings) }
  const context = contexts[name]
  if (context === undefined) {
    throw new CliError(`There is no context "${name}"; "taibai context list" shows all.`, 'usage')
  }
  return { url: context.url, token: () => settings.token ?? context.token }
}

/** Token of the server on this machine, where this user may read it. */
function localToken({ localDataDir }: CliSettings): string | null {
  try {
    return readFileSync(join(localDataDir, 'admin.token'), 'utf8').trim()
  } catch {
    return null
  }
}
