import type { SimulatedWorker } from './keep-alive-policy.ts'

/** The idle workers in a list from which each leaves at once: a worker knows its place in it. */
export class IdleWorkers {
  readonly all: SimulatedWorker[] = []

  add(worker: SimulatedWorker): void {
    worker.place = this.all.push(worker) - 1
  }

  remove(worker: SimulatedWorker): void {
    const last = this.all.pop() as SimulatedWorker
    if (last !== worker) {
      this.all[worker.place] = last
      last.place = worker.place
    }
    worker.place = -1
  }
}
