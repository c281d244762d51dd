import type { CliSettings } from '../cli-settings.ts'
import { type Client, makeClient } from '../client/client.ts'
import { type Cli, CliError, type Input, type NamedServer, type Options, textOption } from './command.ts'
import { liveSession } from './dev/session.ts'
import { adminTokenIn } from './servers/admin-token.ts'
import { readContexts } from './servers/contexts.ts'
import { Output, type OutputOptions } from './terminal/output.ts'

/** The process around the program. */
export interface ProgramIo {
  stdin: Input
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
    server: () => serverOf(options, settings),
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
    localVariables: settings.localVariables,
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

/** The server named on the command line, in the environment, or by the current context; else this machine's. */
function serverOf(options: Options, settings: CliSettings): NamedServer {
  const own = () => settings.token ?? adminTokenIn(settings.localDataDir)
  const asked = textOption(options, 'url')
  if (asked !== undefined) return { url: asked, token: own, namedBy: 'option' }
  if (options.context === undefined && settings.url !== undefined)
    return { url: settings.url, token: own, namedBy: 'environment' }
  const { current, contexts } = readContexts(settings.configDir)
  const name = textOption(options, 'context') ?? settings.context ?? current
  const namedBy = options.context !== undefined ? 'option' : settings.context !== undefined ? 'environment' : 'context'
  if (name === undefined || name === 'local') return localServer(settings, own)
  const context = contexts[name]
  if (context === undefined) {
    throw new CliError(`There is no context "${name}"; "taibai context list" shows all.`, 'usage')
  }
  return { url: context.url, token: () => settings.token ?? context.token, namedBy, context: name }
}

/** In a folder that `taibai dev` serves, the session's server is used. */
function localServer(settings: CliSettings, token: NamedServer['token']): NamedServer {
  const session = liveSession(process.cwd())
  if (session === null) return { url: settings.localUrl, token, namedBy: 'machine' }
  return { url: session.url, token: () => settings.token ?? adminTokenIn(session.dataDir), namedBy: 'session' }
}
