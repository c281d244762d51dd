import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { SetupProblem } from './problem.ts'

/** Runs other programs: collects what they print, gives them a time limit, and never leaves one behind. */

export interface CommandOptions {
  cwd?: string
  /** Beside, or in the place of, what this process has. */
  env?: NodeJS.ProcessEnv
  timeoutMs?: number
  signal?: AbortSignal
  /** What the program reads; without it, it finds its input closed. */
  input?: string | Readable
  /** Sees the output as it comes; the end of it is kept anyway. */
  onOutput?: (text: string) => void
}

export interface CommandResult {
  /** Exit code; 127 when the program does not exist, 124 when its time was over. */
  code: number
  stdout: string
  /** Both streams in order of arrival, the last 64 KiB of them. */
  output: string
}

const keptOutputChars = 65_536

/** Runs a program and reports how it ended. Never throws. */
export function run(program: string, args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { promise, resolve } = Promise.withResolvers<CommandResult>()
  const { cwd, signal, timeoutMs } = options
  const child = spawn(program, args, { cwd, env: childEnvironment(options.env), signal, timeout: timeoutMs })
  const seen = { stdout: '', output: '' }
  const keep = (text: string) => {
    seen.output = (seen.output + text).slice(-keptOutputChars)
    options.onOutput?.(text)
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen.stdout += text
    keep(text)
  })
  child.stderr.setEncoding('utf8').on('data', keep)
  feed(child.stdin, options.input)
  child.on('error', (error) => resolve({ ...seen, code: 127, output: error.message }))
  child.on('close', (code) => resolve({ ...seen, code: code ?? 124 }))
  return promise
}

/** Runs a program that has to succeed; failure is a problem that names the purpose and shows the end of the output. */
export async function must(
  purpose: string,
  program: string,
  args: string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await run(program, args, options)
  if (result.code === 0) return result.stdout
  const reason = result.code === 124 ? 'the time limit was reached' : `exit code ${result.code}`
  throw new SetupProblem(`${purpose} failed (${program}: ${reason}).\n${lastLines(result.output, 15)}`)
}

/** The environment of a child: this process's own, without what npm adds, and `more`. */
export function childEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const all = Object.entries({ ...process.env, ...more })
  return Object.fromEntries(all.filter(([name]) => !name.startsWith('npm_')))
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}

function feed(stdin: NodeJS.WritableStream, input: CommandOptions['input']): void {
  // A program that ends early closes its input; its exit code tells the story, not EPIPE.
  stdin.on('error', () => {})
  if (input === undefined || typeof input === 'string') stdin.end(input ?? '')
  else input.pipe(stdin)
}
