import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { SetupProblem } from './problem.ts'

/** Runs other programs: collects their output, limits their time, and leaves no process behind. */

export interface CommandOptions {
  cwd?: string
  /** Variables added to, or replacing, this process's own. */
  env?: NodeJS.ProcessEnv
  timeoutMs?: number
  signal?: AbortSignal
  /** The program's standard input; absent: closed. */
  input?: string | Readable
  /** Receives output as it arrives; its end is returned anyway. */
  onOutput?: (text: string) => void
}

export interface ProgramResult {
  /** Exit code; 127 when the program does not exist, 124 after a timeout. */
  code: number
  stdout: string
  /** The last 64 KiB of both streams in order of arrival. */
  output: string
}

const keptOutputChars = 65_536

/** Runs a program and reports its end. Never throws. */
export function runCommand(program: string, args: string[], options: CommandOptions = {}): Promise<ProgramResult> {
  const { promise, resolve } = Promise.withResolvers<ProgramResult>()
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

/** Runs a program that must succeed; a failure is a problem that names the purpose and the end of the output. */
export async function runOrThrow(
  purpose: string,
  program: string,
  args: string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await runCommand(program, args, options)
  if (result.code === 0) return result.stdout
  const reason = result.code === 124 ? 'the time limit was reached' : `exit code ${result.code}`
  throw new SetupProblem(`${purpose} failed (${program}: ${reason}).\n${lastLines(result.output, 15)}`)
}

/** The environment of a child process: this process's own, without npm's variables, plus `more`. */
export function childEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const all = Object.entries({ ...process.env, ...more })
  return Object.fromEntries(all.filter(([name]) => !name.startsWith('npm_')))
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}

function feed(stdin: NodeJS.WritableStream, input: CommandOptions['input']): void {
  // A program that ends early closes its input; its exit code is the error, not EPIPE.
  stdin.on('error', () => {})
  if (input === undefined || typeof input === 'string') stdin.end(input ?? '')
  else input.pipe(stdin)
}
