import { FaasError } from '../../../domain/errors.ts'
import { pause } from '../container/pause.ts'
import type { Exit, Listener, Sandbox, SandboxLimits } from '../sandbox.ts'
import type { TaskState } from './task-state.ts'

/** One worker as a service with one task. */
export class SwarmSandbox implements Sandbox {
  readonly name: string
  readonly serviceId: string
  readonly machine: string | undefined
  /** The swarm reports the end of a task within a second: when it does not, the node or the manager has failed. */
  readonly isLost = true
  readonly exited: Promise<Exit>
  /** Resolves when the output of an image has been delivered; absent: it is not an image. */
  printed?: Promise<void>
  /** Resolves when its task runs; rejects with the reason why it cannot. */
  readonly running: Promise<void>
  /** Resolves when its own process has ended it. */
  readonly endedByItself: Promise<void>
  /** Resolves when the task no longer runs. */
  readonly removed: Promise<void>
  #resolveExit: (exit: Exit) => void
  #begin = Promise.withResolvers<void>()
  #removed = Promise.withResolvers<void>()
  #endedByItself = Promise.withResolvers<void>()
  #remove: () => Promise<void>
  #killAsked = false
  #seen = false
  #hasBegun = false
  #isRemoved = false
  #giveUp: NodeJS.Timeout | undefined

  /** `remove`: asks the swarm to remove the service; resolves when the swarm has accepted. */
  constructor(name: string, serviceId: string, remove: () => Promise<void>, machine?: string) {
    this.name = name
    this.machine = machine
    this.serviceId = serviceId
    this.#remove = remove
    const exit = Promise.withResolvers<Exit>()
    this.#resolveExit = exit.resolve
    this.exited = exit.promise
    this.running = this.#begin.promise
    this.removed = this.#removed.promise
    this.endedByItself = this.#endedByItself.promise
    const noteBegun = () => {
      this.#hasBegun = true
    }
    this.#begin.promise.then(noteBegun, noteBegun)
    void this.#removed.promise.then(() => {
      this.#isRemoved = true
    })
  }

  /** True while it starts or ends: then its task is checked more often. */
  get isChanging(): boolean {
    return !this.#hasBegun || this.#killAsked
  }

  /** Fails the start. A sandbox that runs is not affected. */
  refuse(message: string): void {
    this.#begin.reject(new FaasError('engine_failed', message))
  }

  /** Takes the state of its task from a check of the swarm; null: there is no task. */
  note(state: TaskState | null): void {
    if (state === null) {
      // A new service is not yet part of each answer.
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

  /** The swarm sets limits when a task starts and cannot change them later. */
  async limit(_limits: SandboxLimits): Promise<void> {
    throw new FaasError('not_supported', 'The limits of a running task cannot be changed.')
  }

  async pause(): Promise<void> {
    throw new FaasError('not_supported', 'A task of a swarm cannot be paused.')
  }

  async resume(): Promise<void> {}

  /** The grace time was set when the service was created. */
  async stop(_graceMs: number): Promise<void> {
    await this.kill()
  }

  /** Never rejects: it retries while the manager does not answer. */
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

  /** A place may come free soon, so the start does not fail at the first refusal. */
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
    if (refusal === null) this.#endedByItself.resolve()
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

/** How long the swarm may take to find a node. */
const placeMs = 3000
const againMs = 1000
