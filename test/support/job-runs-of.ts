import { idFrom } from '../../src/domain/ids.ts'
import type { DataFolder } from './data-folder.ts'
import { type LedgerRow, ledgerRows } from './ledger-file.ts'

/** Runs of jobs that are due every second. */

const second = 1000

export const runsOf = (data: DataFolder, jobId: string): LedgerRow[] =>
  ledgerRows(data, 'description = ?', `Created by Job ${jobId}`)

/**
 * When each run was due, in order: its id is made from the job and that time, so that no time has two. Throws when a run has
 * an id that no time since `fromMs` explains.
 */
export function dueTimes(jobId: string, runs: LedgerRow[], fromMs: number): number[] {
  const timeOf = new Map<string, number>()
  const untilMs = Date.now() + second
  for (let ms = Math.ceil(fromMs / second) * second; ms <= untilMs; ms += second) timeOf.set(idFrom(jobId, ms), ms)
  return runs.map(({ id }) => known(timeOf.get(id), id)).sort((a, b) => a - b)
}

function known(time: number | undefined, id: string): number {
  if (time === undefined) throw new Error(`Execution ${id} belongs to no time that its job was due.`)
  return time
}

/** Times that are not followed by the next second; the last one is not asked. */
export const gaps = (times: number[]): number[] =>
  times.slice(0, -1).filter((time, at) => times[at + 1] !== time + second)
