import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { Call, Revision } from '../../domain/platform/worker.ts'
import { type Outcome, platformFailure } from '../../domain/runs/outcome.ts'
import type { Eviction } from './eviction.ts'
import type { Memory } from './memory.ts'
import type { MemoryQueue, MemoryRequest } from './memory-queue.ts'
import type { WorkerFactory } from './pool-worker.ts'
import { callerDisconnected, noWorkerInTime, shuttingDown } from './refusals.ts'
import type { Starts } from './starts.ts'
import { type WaitLimits, waitFor } from './waiting.ts'

export interface CommandRunsParts {
  factory: WorkerFactory
  clock: Clock
  starts: Starts
  memory: Memory
  line: MemoryQueue
  room: Eviction
  limits: WaitLimits
  engineIsUp(): boolean
}

/** Runs `command` images: each run has a sandbox of its own, which is removed afterwards. */
export class CommandRuns {
  #parts: CommandRunsParts
  #runs = new Set<Promise<Outcome>>()
  /** Each is resolved with the machine on which its memory was reserved. */
  #waiting = new Map<MemoryRequest, PromiseWithResolvers<string>>()
  #stop = new AbortController()
  #isClosing = false

  constructor(parts: CommandRunsParts) {
    this.#parts = parts
  }

  /** Never throws. */
  run(revision: Revision, call: Call): Promise<Outcome> {
    const run = this.#run(revision, call).finally(() => this.#runs.delete(run))
    this.#runs.add(run)
    return run
  }

  /** Memory may have become free for this waiting run. */
  tryAgain(who: MemoryRequest): void {
    const machine = this.#parts.room.make(who.bytes, who, null)
    if (machine !== null) this.#waiting.get(who)?.resolve(machine)
  }

  /** No run begins any more; waiting runs are refused. */
  close(): void {
    this.#isClosing = true
    for (const { reject } of [...this.#waiting.values()]) reject(shuttingDown())
  }

  /** Resolves when no run is active or waiting. */
  async untilIdle(): Promise<void> {
    while (this.#runs.size > 0) await Promise.all(this.#runs)
  }

  /** Ends active runs as the platform's fault. Resolves when all have ended. */
  stop(): Promise<void> {
    this.#stop.abort()
    return this.untilIdle()
  }

  async #run(revision: Revision, call: Call): Promise<Outcome> {
    const { clock, memory } = this.#parts
    const { memoryBytes, projectId } = revision
    const since = clock.elapsed()
    try {
      const machine = await this.#reserve(revision, call.signal)
      const isOver = () => memory.release(memoryBytes, projectId, machine)
      return await this.#inTurn(revision, call, since, machine).finally(isOver)
    } catch (error) {
      if (!(error instanceof FaasError)) throw error
      return platformFailure(error.message, 0)
    }
  }

  /** Throws FaasError `no_worker` when the start queue does not admit it in time, for example while the engine is away. */
  #inTurn(revision: Revision, call: Call, since: number, machine: string): Promise<Outcome> {
    const { clock, starts, limits, engineIsUp } = this.#parts
    let hasGivenUp = false
    const turn = waitFor<Outcome>({
      clock,
      timeoutMs: Math.max(0, since + limits.timeoutMs - clock.elapsed()),
      signal: call.signal,
      tooLate: () => noWorkerInTime(limits.timeoutMs, engineIsUp()),
      onGiveUp: () => {
        hasGivenUp = true
      },
    })
    const begin = async (leave: () => void) => {
      if (hasGivenUp) return
      const run = this.#begin(revision, call, machine, leave)
      turn.resolve(run)
      await run
    }
    starts.run('now', revision.projectId, begin).catch(turn.reject)
    return turn.promise
  }

  /** Runs once the start queue has admitted it. */
  async #begin(revision: Revision, call: Call, machine: string, leave: () => void): Promise<Outcome> {
    if (this.#isClosing) return platformFailure(shuttingDown().message, 0)
    if (call.signal?.aborted) return platformFailure(callerDisconnected().message, 0)
    const onRunning = () => {
      leave()
      call.onBegin?.()
    }
    const stop = call.signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, call.signal])
    return this.#parts.factory.runCommand(revision, call, stop, onRunning, machine)
  }

  /** Throws FaasError `no_worker` when it waits too long, or when the caller has left. */
  async #reserve(
    { memoryBytes: bytes, projectId, placement }: Revision,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const { clock, room, line, limits } = this.#parts
    const who = { projectId, bytes, placement, since: clock.elapsed(), hasNothing: true }
    if (signal?.aborted) throw callerDisconnected()
    const machine = room.make(bytes, who, null)
    if (machine !== null) return machine
    if (this.#waiting.size < limits.maxWaiting) return this.#wait(who, signal)
    line.delete(who)
    throw new FaasError('no_worker', `${this.#waiting.size} runs of images wait for memory already; try again later.`)
  }

  #wait(who: MemoryRequest, signal: AbortSignal | undefined): Promise<string> {
    const { clock, line, memory, limits } = this.#parts
    const { timeoutMs } = limits
    const tooLate = () => new FaasError('no_worker', `No memory came free within ${timeoutMs / 1000} s.`)
    const waiting = waitFor<string>({ clock, timeoutMs, signal, tooLate, onGiveUp: () => memory.noteIdle() })
    this.#waiting.set(who, waiting)
    return waiting.promise.finally(() => {
      this.#waiting.delete(who)
      line.delete(who)
    })
  }
}
