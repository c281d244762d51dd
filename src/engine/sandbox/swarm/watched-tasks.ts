import type { Log } from '../../../domain/runs/log.ts'
import { instanceLabel } from '../container/container-paths.ts'
import type { KnownMachines } from './known-machines.ts'
import { NodeRestarts } from './node-restarts.ts'
import type { SwarmClient } from './swarm-client.ts'
import type { SwarmSandbox } from './swarm-sandbox.ts'
import { inDoubt, stateOf } from './task-state.ts'
import { type ObservedTasks, type PollRate, TaskWatch } from './task-watch.ts'

/** The workers of this instance, each told what becomes of its task. */
export class WatchedTasks {
  #swarm: Pick<SwarmClient, 'tasks' | 'nodes'>
  #label: string
  #machines: KnownMachines
  #log: Log
  #sandboxes = new Map<string, SwarmSandbox>()
  #restarts = new NodeRestarts()
  #watch: TaskWatch

  constructor(
    swarm: Pick<SwarmClient, 'tasks' | 'nodes'>,
    { instance, machines, log }: { instance: string; machines: KnownMachines; log: Log },
  ) {
    this.#swarm = swarm
    this.#label = instanceLabel(instance)
    this.#machines = machines
    this.#log = log
    this.#watch = new TaskWatch(
      () => this.#look(),
      (seen) => this.#note(seen),
      () => this.#pace(),
    )
    this.#watch.hurry()
  }

  all(): SwarmSandbox[] {
    return [...this.#sandboxes.values()]
  }

  has(worker: string): boolean {
    return this.#sandboxes.has(worker)
  }

  add(sandbox: SwarmSandbox): void {
    this.#sandboxes.set(sandbox.name, sandbox)
    this.#watch.hurry()
  }

  delete(sandbox: SwarmSandbox): void {
    this.#sandboxes.delete(sandbox.name)
  }

  /** Something is about to change. */
  hurry(): void {
    this.#watch.hurry()
  }

  close(): void {
    this.#watch.close()
  }

  async #look(): Promise<ObservedTasks> {
    const tasks = await this.#swarm.tasks(this.#label)
    // Asked later: an engine that begins anew joins before it reports what ended.
    return { tasks, nodes: await this.#swarm.nodes() }
  }

  #note({ tasks, nodes }: ObservedTasks): void {
    this.#machines.note(nodes)
    this.#restarts.note(nodes)
    const byService = new Map(tasks.map((task) => [task.ServiceID, task]))
    for (const sandbox of this.#sandboxes.values()) {
      const task = byService.get(sandbox.serviceId)
      const wasAway = this.#watch.isInDoubt || this.#restarts.isFresh(task?.NodeID)
      const state = task === undefined ? null : inDoubt(stateOf(task, nodes), wasAway)
      if (state?.kind === 'lost')
        this.#log.warn({ worker: sandbox.name, node: state.node }, 'a worker is lost with its node')
      sandbox.note(state)
    }
  }

  #pace(): PollRate {
    if (this.#sandboxes.size === 0) return 'rarely'
    return this.all().some(({ isChanging }) => isChanging) ? 'often' : 'seldom'
  }
}
