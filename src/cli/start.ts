import { type CliSettings, defaultServerSettings, readCliSettings } from '../cli-settings.ts'
import type { ProgramIo } from './cli.ts'
import { runProgram } from './program.ts'
import { withLocalServer } from './servers/local-server.ts'

/**
 * Runs the command line on this process's streams and returns the exit code. The first Ctrl-C ends commands that follow
 * something, the second ends everything.
 */
export async function startProgram(argv: string[], version: string, local: ProgramIo['local']): Promise<number> {
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  // The reader of our output may stop reading, as `head` does.
  process.stdout.on('error', () => interrupted.abort())
  let settings: CliSettings
  try {
    settings = withLocalServer(readCliSettings(defaultServerSettings() ?? (await import('../config.ts')).readConfig()))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    return 2
  }
  const { stdout, stderr } = process
  return runProgram(argv, {
    // Node.js creates it on first access.
    get stdin() {
      return process.stdin
    },
    ...{ stdout, stderr, settings, version, local, interrupted: interrupted.signal },
  })
}
