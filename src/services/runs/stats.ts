import type { Clock } from '../../domain/clock.ts'
import { Durations } from '../../domain/durations.ts'
import type { Revision } from '../../domain/platform/worker.ts'
import type { Execution, Phases } from '../../domain/runs/execution.ts'
import type { ColdReason, StartKind } from '../../domain/runs/start-kind.ts'

/** Limit of pairs of function and caller that are counted separately; beyond it, the oldest are merged. */
const maxCells = 2000
const gib = 1024 ** 3

export const phaseNames = ['queue', 'acquire', 'load', 'resume', 'run', 'total'] as const satisfies (keyof Phases)[]

/** Statistics of many runs. */
export class Tally {
  success = 0
  failed = 0
  error = 0
  starts: Record<StartKind, number> = { warm: 0, prewarmed: 0, cold: 0 }
  /** Number of cold starts by reason. */
  coldReasons = new Map<ColdReason, number>()
  phases: Record<keyof Phases, Durations> = {
    queue: new Durations(),
    acquire: new Durations(),
    load: new Durations(),
    resume: new Durations(),
    run: new Durations(),
    total: new Durations(),
  }
  /** Memory that was reserved for runs, multiplied by their duration. */
  busyGbSeconds = 0

  get executions(): number {
    return this.success + this.failed + this.error
  }

  add(execution: Execution, revision: Revision | null): void {
    const { status, startKind, coldReason, phases } = execution
    if (status !== 'running') this[status]++
    if (startKind !== null) this.starts[startKind]++
    if (startKind === 'cold' && coldReason !== null) this.#addReason(coldReason, 1)
    if (phases === null) return
    for (const name of phaseNames) this.phases[name].add(phases[name])
    this.busyGbSeconds += ((revision?.memoryBytes ?? 0) / gib) * (phases.run / 1000)
  }

  addAll(other: Tally): void {
    this.success += other.success
    this.failed += other.failed
    this.error += other.error
    this.starts.warm += other.starts.warm
    this.starts.prewarmed += other.starts.prewarmed
    this.starts.cold += other.starts.cold
    for (const [reason, count] of other.coldReasons) this.#addReason(reason, count)
    for (const name of phaseNames) this.phases[name].addAll(other.phases[name])
    this.busyGbSeconds += other.busyGbSeconds
  }

  #addReason(reason: ColdReason, count: number): void {
    this.coldReasons.set(reason, (this.coldReasons.get(reason) ?? 0) + count)
  }
}

interface Cell {
  functionId: string
  /** The caller's project. */
  projectId: string
  tally: Tally
}

/** Counts of runs since the process began, in memory; costs a microsecond per run. */
export class Stats {
  readonly sinceMs: number
  /** Starts of calls of all callers; a live object. */
  readonly starts: Record<StartKind, number> = { warm: 0, prewarmed: 0, cold: 0 }
  #cells = new Map<string, Cell>()
  #last: Cell | undefined
  /** Cells that were merged to stay below the limit. */
  #rest = new Tally()

  constructor(parts: { clock: Clock }) {
    this.sinceMs = parts.clock.now()
  }

  /** For `Invocation`: a run is over. */
  record = (execution: Execution, revision: Revision | null): void => {
    const { functionId, projectId, startKind } = execution
    if (startKind !== null) this.starts[startKind]++
    // Most runs have the function and caller of the previous one, which saves making and hashing a key.
    if (this.#last?.functionId !== functionId || this.#last.projectId !== projectId) {
      this.#last = this.#cellOf(functionId, projectId)
    }
    this.#last.tally.add(execution, revision)
  }

  ofFunction(functionId: string): Tally {
    return sum([...this.#cells.values()].filter((cell) => cell.functionId === functionId))
  }

  /** Runs requested by callers of a project; of all projects when null. */
  ofProject(projectId: string | null): Tally {
    if (projectId !== null) return sum([...this.#cells.values()].filter((cell) => cell.projectId === projectId))
    const all = sum([...this.#cells.values()])
    all.addAll(this.#rest)
    return all
  }

  /** The same for each function that was called. */
  byFunction(projectId: string | null): Map<string, Tally> {
    const tallies = new Map<string, Tally>()
    for (const cell of this.#cells.values()) {
      if (projectId !== null && cell.projectId !== projectId) continue
      const tally = tallies.get(cell.functionId) ?? new Tally()
      tally.addAll(cell.tally)
      tallies.set(cell.functionId, tally)
    }
    return tallies
  }

  #cellOf(functionId: string, projectId: string): Cell {
    const key = `${functionId}/${projectId}`
    const known = this.#cells.get(key)
    if (known !== undefined) return known
    const cell = { functionId, projectId, tally: new Tally() }
    this.#cells.set(key, cell)
    const [oldest] = this.#cells
    if (this.#cells.size > maxCells && oldest !== undefined) {
      this.#rest.addAll(oldest[1].tally)
      this.#cells.delete(oldest[0])
      if (this.#last === oldest[1]) this.#last = undefined
    }
    return cell
  }
}

function sum(cells: Cell[]): Tally {
  const all = new Tally()
  for (const { tally } of cells) all.addAll(tally)
  return all
}
