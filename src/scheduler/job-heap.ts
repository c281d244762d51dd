import type { Job } from '../domain/triggers/job.ts'

/** A job with a timer. */
export interface TimedJob {
  job: Job
  /** When it is due. */
  dueMs: number
  /** When to check it next: a lead time before it is due, then when it is due. */
  wakeMs: number
  /** Index in the heap. */
  index: number
}

/** A binary min-heap by `wakeMs` that also finds jobs by id: each operation takes logarithmic time. */
export class JobHeap {
  #heap: TimedJob[] = []
  #byId = new Map<string, TimedJob>()

  get size(): number {
    return this.#heap.length
  }

  first(): TimedJob | undefined {
    return this.#heap[0]
  }

  /** Adds the job or updates its times. */
  set(job: Job, dueMs: number, wakeMs: number): void {
    const known = this.#byId.get(job.id)
    if (known === undefined) return this.#insert({ job, dueMs, wakeMs, index: this.#heap.length })
    known.job = job
    known.dueMs = dueMs
    known.wakeMs = wakeMs
    this.#settle(known)
  }

  delete(jobId: string): boolean {
    const timed = this.#byId.get(jobId)
    if (timed === undefined) return false
    this.#byId.delete(jobId)
    const last = this.#heap.pop() as TimedJob
    if (last !== timed) {
      this.#put(last, timed.index)
      this.#settle(last)
    }
    return true
  }

  clear(): void {
    this.#heap = []
    this.#byId.clear()
  }

  #insert(timed: TimedJob): void {
    this.#byId.set(timed.job.id, timed)
    this.#heap.push(timed)
    this.#up(timed)
  }

  #settle(timed: TimedJob): void {
    this.#up(timed)
    this.#down(timed)
  }

  #up(timed: TimedJob): void {
    while (timed.index > 0) {
      const above = this.#heap[(timed.index - 1) >> 1] as TimedJob
      if (above.wakeMs <= timed.wakeMs) return
      this.#swap(timed, above)
    }
  }

  #down(timed: TimedJob): void {
    for (;;) {
      const left = this.#heap[timed.index * 2 + 1]
      const right = this.#heap[timed.index * 2 + 2]
      const below = right !== undefined && left !== undefined && right.wakeMs < left.wakeMs ? right : left
      if (below === undefined || below.wakeMs >= timed.wakeMs) return
      this.#swap(timed, below)
    }
  }

  #swap(a: TimedJob, b: TimedJob): void {
    const at = a.index
    this.#put(a, b.index)
    this.#put(b, at)
  }

  #put(timed: TimedJob, index: number): void {
    this.#heap[index] = timed
    timed.index = index
  }
}
