import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { FaasError } from '../../../domain/errors.ts'
import type { Exit, Sandbox, SandboxLimits, SandboxSpec } from '../sandbox.ts'
import { timeOf, timesOfGroups } from './process-times.ts'

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
  /** Last reading of the processor time of its first process and of those beside it. */
  #cpu = { ownMs: 0, othersMs: 0 }

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

  /** CPU time of the processes in its group; a process that left the group, or ended unseen, is not counted. */
  async cpuMs(): Promise<number> {
    const times = this.#pid === null ? undefined : await timesOfGroups()
    if (this.#pid !== null) this.#noteTimes(times?.get(this.#pid))
    return this.#cpu.ownMs + this.#cpu.othersMs
  }

  /** That of its first process, which its limit counts. */
  async memoryUsedBytes(): Promise<number | null> {
    return this.#pid === null ? null : ownBytesOf(this.#pid)
  }

  #noteTimes(ofGroup: number | undefined): void {
    const own = this.#pid === null ? null : timeOf(this.#pid)
    if (own === null) return
    this.#cpu.ownMs = own
    if (ofGroup !== undefined) this.#cpu.othersMs = Math.max(this.#cpu.othersMs, ofGroup - own)
  }

  async kill(): Promise<void> {
    this.#noteTimes(undefined)
    this.#signal('SIGKILL')
    await this.exited
  }

  async stop(graceMs: number): Promise<void> {
    this.#noteTimes(undefined)
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
    const ownBytes = this.#pid === null ? null : await ownBytesOf(this.#pid)
    if (ownBytes === null || ownBytes <= this.#memoryBytes) return
    this.#memoryExceeded = true
    this.#signal('SIGKILL')
  }
}

/** Pages of files (45 MiB for the program itself) can be reclaimed at any time: a container is not killed for them either. */
async function ownBytesOf(pid: number): Promise<number | null> {
  const statm = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '')
  const [, resident, shared] = statm.split(' ').map(Number)
  return resident === undefined || shared === undefined ? null : (resident - shared) * pageBytes
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
