import { Readable } from 'node:stream'
import { runProgram } from '../../src/cli/program.ts'
import type { CliSettings } from '../../src/cli-settings.ts'
import { localData } from '../../src/local-data.ts'

/** The command line in this process, on streams that are kept. */

export interface CliResult {
  code: number
  stdout: string
  stderr: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into output of every shape
  json: any
}

export function cliOf(settings: Partial<CliSettings>) {
  const all: CliSettings = {
    url: undefined,
    token: undefined,
    context: undefined,
    configDir: '/nowhere',
    runtimesDir: new URL('../../runtimes', import.meta.url).pathname,
    noColor: true,
    localUrl: 'http://127.0.0.1:1',
    localDataDir: '/nowhere',
    localVariables: {},
    isLocalNamed: true,
    ...settings,
  }
  /** `onText` is told of standard output as it comes. */
  return async (
    argv: string[],
    input = '',
    interrupted = new AbortController().signal,
    onText: (text: string) => void = () => {},
  ): Promise<CliResult> => {
    const written = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
    const streamOf = (pieces: Buffer[], tell = (_text: string): void => {}) => ({
      write: (piece: string | Uint8Array) => {
        pieces.push(Buffer.from(piece as Uint8Array))
        tell(pieces.at(-1)?.toString('utf8') ?? '')
      },
    })
    const code = await runProgram(argv, {
      stdin: Readable.from([Buffer.from(input)]),
      stdout: streamOf(written.stdout, onText),
      stderr: streamOf(written.stderr),
      settings: all,
      version: '1.2.3',
      local: localData,
      interrupted,
    })
    const [stdout, stderr] = [written.stdout, written.stderr].map((pieces) => Buffer.concat(pieces).toString('utf8'))
    return { code, stdout: stdout as string, stderr: stderr as string, json: parsed(stdout as string) }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
