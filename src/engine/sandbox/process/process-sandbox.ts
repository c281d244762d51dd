import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { FaasError } from '../../../domain/errors.ts'
import type { Exit, Sandbox, SandboxLimits, SandboxSpec } from '../sandbox.ts'

/** Interval of the memory checks. */
const watchMs = 100
const pageBytes = 4096

/** One child process and its descendants (its process group). */
export class ProcessSandbox implements Sandbox {
  readonly name: string
  readonly exited: Promise<Exit>
  /** Null after the end: the pid may be reused. */
  #pid: number | null
  #memoryBytes: number
  #memoryExceeded = false
  #watch: NodeJS.Timeout

  constructor(child: ChildProcess, spec: SandboxSpec) {
    this.name = spec.name
    this.#pid = child.pid as number
    this.#memoryBytes = spec.memoryBytes
    this.#watch = setInterval(() => void this.#checkMemory(), watchMs)
    this.#watch.unref()
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        clearInterval(this.#watch)
        this.#signal('SIGKILL')
        this.#pid = null
        resolve({ code: code ?? (signal === null ? null : 137), memoryExceeded: this.#memoryExceeded })
      })
    })
  }

  async limit(limits: SandboxLimits): Promise<void> {
    this.#memoryBytes = limits.memoryBytes
  }

  async pause(): Promise<void> {
    this.#signal('SIGSTOP')
  }

  async resume(): Promise<void> {
    this.#signal('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.exited
  }

  async stop(graceMs: number): Promise<void> {
    this.#signal('SIGTERM')
    await Promise.race([this.exited, new Promise((resolve) => setTimeout(resolve, graceMs).unref())])
    await this.kill()
  }

  async listeners(): Promise<null> {
    return null
  }

  async address(): Promise<{ host: string; port: number }> {
    throw new FaasError('not_supported', 'A plain process has no address.')
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#pid !== null) signalGroup(this.#pid, signal)
  }

  async #checkMemory(): Promise<void> {
    const statm = await readFile(`/proc/${this.#pid}/statm`, 'utf8').catch(() => '')
    const [, resident, shared] = statm.split(' ').map(Number)
    // Pages of files (45 MiB for the program itself) can be reclaimed at any time: a container is not killed for them either.
    const ownBytes = ((resident ?? 0) - (shared ?? 0)) * pageBytes
    if (!(ownBytes > this.#memoryBytes)) return
    this.#memoryExceeded = true
    this.#signal('SIGKILL')
  }
}

export const killGroup = (pid: number): void => signalGroup(pid, 'SIGKILL')

/** A process group that is gone is not an error. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
