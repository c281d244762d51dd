// The server of `npm run dev`: one process after the other.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { ownCommand, projectFolder } from '../../src/assets.ts'
import { prettyLogLine } from './pretty-log.ts'
import { progress } from './terminal.ts'

/** An editor's writes within this time count as one change. */
const quietMs = 200

export class DevServer {
  #env: NodeJS.ProcessEnv
  #process: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #wantsAnother = false
  #ended = Promise.withResolvers<number>()
  /** The exit code, when the server has been stopped for good. */
  readonly closed = this.#ended.promise
  #isStopping = false

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env
    this.#start()
  }

  restartSoon(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#restart(), quietMs)
  }

  /** A second call makes the server stop without waiting for active runs. */
  stop(): void {
    this.#isStopping = true
    clearTimeout(this.#timer)
    if (this.#process) this.#process.kill('SIGTERM')
    else this.#ended.resolve(0)
  }

  #restart(): void {
    progress.detail('a file has changed: restarting')
    this.#wantsAnother = true
    if (this.#process) this.#process.kill('SIGTERM')
    else this.#start()
  }

  #start(): void {
    this.#wantsAnother = false
    // Detached from the terminal's signals: Ctrl-C reaches it once, through us.
    const options = { cwd: projectFolder, env: this.#env, detached: true }
    const [program, ...args] = ownCommand()
    const server = spawn(program, [...args, 'serve'], { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: server.stdout }).on('line', (line) => console.log(prettyLogLine(line)))
    server.on('exit', (code) => this.#hasEnded(code ?? 1))
    this.#process = server
  }

  #hasEnded(code: number): void {
    this.#process = undefined
    if (this.#isStopping) this.#ended.resolve(code)
    else if (this.#wantsAnother) this.#start()
    else progress.warn(`the server ended with exit code ${code}; it starts again when a file changes`)
  }
}
