import type { Exit, Listener, Sandbox, SandboxLimits } from '../../src/engine/sandbox/sandbox.ts'

/** A fake sandbox without a process: it records its calls, and ends when it is killed or when the test says so. */
export class FakeSandbox implements Sandbox {
  readonly name: string
  machine: string | undefined
  readonly exited: Promise<Exit>
  readonly asked: string[] = []
  limits: SandboxLimits | null = null
  printed: Promise<void> | undefined
  /** False: it is told to end, and does not. */
  obeys = true
  hasEnded = false
  /** Called when it ends. */
  onEnd: () => void = () => {}
  address_: { host: string; port: number } = { host: '127.0.0.1', port: 0 }
  #resolve: (exit: Exit) => void = () => {}

  constructor(name = 'w1', machine?: string) {
    this.name = name
    this.machine = machine
    this.exited = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  end(exit: Exit): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.onEnd()
    this.#resolve(exit)
  }

  async limit(limits: SandboxLimits): Promise<void> {
    this.asked.push('limit')
    this.limits = limits
  }

  async pause(): Promise<void> {
    this.asked.push('pause')
  }

  async resume(): Promise<void> {
    this.asked.push('resume')
  }

  async stop(): Promise<void> {
    if (!this.hasEnded) this.asked.push('stop')
    await this.kill()
  }

  async kill(): Promise<void> {
    if (!this.hasEnded) this.asked.push('kill')
    if (this.obeys) this.end({ code: 137, memoryExceeded: false })
    await this.exited
  }

  /** Where its processes listen. */
  listening: Listener[] | null = null

  async listeners(): Promise<Listener[] | null> {
    return this.listening
  }

  async address(): Promise<{ host: string; port: number }> {
    return this.address_
  }
}
