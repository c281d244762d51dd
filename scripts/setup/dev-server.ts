// The server of `npm run dev`: one process after the other, for as long as somebody develops.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { prettyLogLine } from './pretty-log.ts'
import { detail, warn } from './progress.ts'
import { PROJECT_FOLDER } from './project.ts'
import { SERVER_PROGRAM } from './server-process.ts'

/** An editor writes several files, and each several times; they are one change. */
const QUIET_MS = 200

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
    this.#timer = setTimeout(() => this.#restart(), QUIET_MS)
  }

  /** The second time at once: the server then does not wait for running calls. */
  stop(): void {
    this.#isStopping = true
    clearTimeout(this.#timer)
    if (this.#process) this.#process.kill('SIGTERM')
    else this.#ended.resolve(0)
  }

  #restart(): void {
    detail('a file has changed: restarting')
    this.#wantsAnother = true
    if (this.#process) this.#process.kill('SIGTERM')
    else this.#start()
  }

  #start(): void {
    this.#wantsAnother = false
    // Detached from the terminal's signals: Ctrl-C reaches it once, through us.
    const options = { cwd: PROJECT_FOLDER, env: this.#env, detached: true }
    const server = spawn(process.execPath, [SERVER_PROGRAM], { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: server.stdout }).on('line', (line) => console.log(prettyLogLine(line)))
    server.on('exit', (code) => this.#hasEnded(code ?? 1))
    this.#process = server
  }

  #hasEnded(code: number): void {
    this.#process = undefined
    if (this.#isStopping) this.#ended.resolve(code)
    else if (this.#wantsAnother) this.#start()
    else warn(`the server ended with exit code ${code}; it starts again when a file changes`)
  }
}
