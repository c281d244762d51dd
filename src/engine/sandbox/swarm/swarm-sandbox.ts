import { FaasError } from '../../../domain/errors.ts'
import type { Exit, Listener, Sandbox, SandboxLimits } from '../sandbox.ts'
import type { TaskState } from './task-state.ts'

/** One worker as a service of one task. */
export class SwarmSandbox implements Sandbox {
  readonly name: string
  readonly serviceId: string
  readonly exited: Promise<Exit>
  /** Resolves when its task runs; rejects with what keeps it from running. */
  readonly running: Promise<void>
  /** Nothing of it runs any more. */
  readonly removed: Promise<void>
  #resolveExit: (exit: Exit) => void
  #begin = Promise.withResolvers<void>()
  #removed = Promise.withResolvers<void>()
  #remove: () => Promise<void>
  #killAsked = false
  #seen = false
  #hasBegun = false
  #isRemoved = false
  #giveUp: NodeJS.Timeout | undefined

  /** `remove`: asks the swarm to remove its service; resolves when it has heard. */
  constructor(name: string, serviceId: string, remove: () => Promise<void>) {
    this.name = name
    this.serviceId = serviceId
    this.#remove = remove
    const exit = Promise.withResolvers<Exit>()
    this.#resolveExit = exit.resolve
    this.exited = exit.promise
    this.running = this.#begin.promise
    this.removed = this.#removed.promise
    const noteBegun = () => {
      this.#hasBegun = true
    }
    this.#begin.promise.then(noteBegun, noteBegun)
    void this.#removed.promise.then(() => {
      this.#isRemoved = true
    })
  }

  /** It is on its way, or is to go: how it is, is asked for more often. */
  get isChanging(): boolean {
    return !this.#hasBegun || this.#killAsked
  }

  /** It does not start. Nothing happens to one that runs. */
  refuse(message: string): void {
    this.#begin.reject(new FaasError('engine_failed', message))
  }

  /** The swarm was looked at: this is how its task is; null: there is none. */
  note(state: TaskState | null): void {
    if (state === null) {
      // One that was just asked for is not in each answer yet.
      if (this.#seen || this.#killAsked) this.#noteGone({ code: null, memoryExceeded: false, fromOutside: true })
      return
    }
    this.#seen = true
    if (state.kind === 'starting') return this.#noteProblem(state.problem)
    this.#noteProblem(null)
    if (state.kind === 'running') this.#begin.resolve()
    if (state.kind === 'lost')
      this.#noteGone({ code: null, memoryExceeded: false, fromOutside: true }, lostOn(state.node))
    if (state.kind === 'ended') this.#noteEnded(state)
  }

  /** The swarm sets limits when a task starts, and then no more. */
  async limit(_limits: SandboxLimits): Promise<void> {
    throw new FaasError('not_supported', 'The limits of a running task cannot be changed.')
  }

  async pause(): Promise<void> {
    throw new FaasError('not_supported', 'A task of a swarm cannot be paused.')
  }

  async resume(): Promise<void> {}

  /** Its grace is the swarm's: the service was made with it. */
  async stop(_graceMs: number): Promise<void> {
    await this.kill()
  }

  /** Never rejects: a manager that does not answer is asked again. */
  async kill(): Promise<void> {
    this.#killAsked = true
    while (!this.#isRemoved) {
      const asked = await this.#remove().then(
        () => true,
        () => false,
      )
      if (asked) break
      await Promise.race([this.removed, pause(againMs)])
    }
    await this.removed
  }

  async listeners(): Promise<Listener[] | null> {
    return null
  }

  async address(): Promise<{ host: string; port: number }> {
    throw new FaasError('not_supported', 'The server cannot call a task of a swarm.')
  }

  /** A place may come free at once: what is asked for is not given up at the first no. */
  #noteProblem(problem: string | null): void {
    if (problem === null) {
      clearTimeout(this.#giveUp)
      this.#giveUp = undefined
      return
    }
    const message = `The swarm has no place for a worker: ${problem}.`
    this.#giveUp ??= setTimeout(() => this.refuse(message), placeMs)
    this.#giveUp.unref()
  }

  #noteEnded({ exit, refusal }: Extract<TaskState, { kind: 'ended' }>): void {
    this.refuse(refusal ?? `Worker ${this.name} ended while it started.`)
    this.#resolveExit(this.#killAsked ? { ...exit, fromOutside: false } : exit)
    // The service stays until it is removed.
    if (this.#killAsked) this.#removed.resolve()
  }

  #noteGone(exit: Exit, why = `Worker ${this.name} was removed while it started.`): void {
    this.refuse(why)
    this.#resolveExit(exit)
    this.#removed.resolve()
  }
}

const lostOn = (node: string): string => `The node ${node} does not answer.`

/** How long the swarm may look for a place. */
const placeMs = 3000
const againMs = 1000

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
