import type { Clock } from '../../domain/clock.ts'
import type { BackgroundCpu } from './background-cpu.ts'
import type { CommandRuns } from './command-runs.ts'
import type { Groups } from './groups.ts'
import type { MemoryQueue } from './memory-queue.ts'
import type { Pauses } from './pauses.ts'
import type { Provider } from './provider.ts'
import type { WorkerScaling } from './scaling.ts'
import type { Starts } from './starts.ts'
import type { WarmAhead } from './warm-ahead.ts'
import { WorkerGroup } from './worker-group.ts'
import type { WorkerRemovals } from './worker-removals.ts'

export interface MaintenanceParts {
  clock: Clock
  groups: Groups
  line: MemoryQueue
  starts: Starts
  departures: WorkerRemovals
  provider: Provider
  supply: WorkerScaling
  commands: CommandRuns
  ahead: WarmAhead
  pauses: Pauses
  leftRunning: BackgroundCpu
}

/** Interval of the checks of idle workers and memory. */
const sweepMs = 1000

/** Periodic work: free memory is given to the memory queue, idle workers expire, and workers are warmed ahead. */
export class Maintenance {
  #parts: MaintenanceParts
  #willLookAgain = false
  #stopSweep: () => void = () => {}

  constructor(parts: MaintenanceParts) {
    this.#parts = parts
    this.#sweepLater()
  }

  /** Memory may have become free: entries of the memory queue are tried again, then work ahead continues. */
  lookAgain(): void {
    if (this.#willLookAgain) return
    this.#willLookAgain = true
    setImmediate(() => {
      this.#willLookAgain = false
      this.#giveOutMemory()
    })
  }

  close(): void {
    this.#stopSweep()
    this.#parts.pauses.close()
  }

  #giveOutMemory(): void {
    const { line, supply, commands, provider } = this.#parts
    for (const who of line.inOrder()) {
      if (!(who instanceof WorkerGroup)) commands.tryAgain(who)
      else {
        line.delete(who)
        supply.provideFor(who)
      }
    }
    provider.refill()
  }

  #sweepLater(): void {
    this.#stopSweep = this.#parts.clock.after(sweepMs, () => {
      this.#sweep()
      this.lookAgain()
      this.#sweepLater()
    })
  }

  #sweep(): void {
    const { starts, groups, pauses, ahead, supply, leftRunning } = this.#parts
    starts.look()
    for (const group of groups.all()) {
      this.#expire(group)
      pauses.look(group)
      leftRunning.look(group)
      supply.lookAtHeldBack(group)
    }
    ahead.look()
  }

  /** Ends idle workers after the function's idle timeout, down to its minimum. */
  #expire(group: WorkerGroup): void {
    const { idleTimeoutMs } = group.revision
    if (idleTimeoutMs === null) return
    const { clock, groups, departures } = this.#parts
    const before = clock.elapsed() - idleTimeoutMs
    const old = group.idle().filter((bound) => bound.idleSince <= before)
    const spare = Math.max(0, group.serving - groups.minimum(group))
    for (const bound of old.slice(0, spare)) departures.leave(group, bound, 'expired')
  }
}
