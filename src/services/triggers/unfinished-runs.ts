import type { Job } from '../../domain/triggers/job.ts'
import type { AcceptedRun } from '../runs/invocation.ts'

/** Unfinished runs of one job. */
interface Turns {
  unfinished: number
  last: Promise<unknown>
}

/** The unfinished runs of jobs, for those that do not overlap. */
export class UnfinishedRuns {
  #turns = new Map<string, Turns>()

  /** Resolves when the job's runs so far have ended; undefined: they have. */
  last(jobId: string): Promise<unknown> | undefined {
    return this.#turns.get(jobId)?.last
  }

  /** Whether a due run of the job is skipped, because runs before it are unfinished. */
  mustLeaveOut({ id, overlap, missedLimit }: Job): boolean {
    const turns = this.#turns.get(id)
    if (turns === undefined) return false
    return overlap === 'skip' || (overlap === 'queue' && turns.unfinished > missedLimit)
  }

  take(jobId: string, run: AcceptedRun): void {
    const turns = this.#turns.get(jobId) ?? { unfinished: 0, last: run.finished }
    turns.unfinished++
    turns.last = Promise.all([turns.last, run.finished])
    this.#turns.set(jobId, turns)
    void run.finished.then(() => {
      turns.unfinished--
      if (turns.unfinished === 0) this.#turns.delete(jobId)
    })
  }
}
