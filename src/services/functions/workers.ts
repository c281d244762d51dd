import { FaasError, invalid, notFound } from '../../domain/errors.ts'
import type { FunctionStore } from '../../domain/functions/function.ts'
import { canonicalUuid } from '../../domain/ids.ts'
import type { PoolGauges } from '../../domain/platform/gauges.ts'
import { type Principal, requireAdmin } from '../../domain/platform/principal.ts'
import type { Pool, RetainedWorker } from '../../domain/platform/worker.ts'
import { findByIdOrName } from './find-by-id-or-name.ts'
import type { Targets } from './targets.ts'
import type { WorkerHistory, WorkerSample } from './worker-history.ts'

export interface WorkerControlParts {
  functions: FunctionStore
  targets: Targets
  pool: Pool
  history: Pick<WorkerHistory, 'samples'>
}

/** A worker in the format of the contract. */
export interface ListedWorker {
  functionId: string
  functionVersion: number
  workerName: string
}

export interface MeasuredWorker extends RetainedWorker {
  functionName: string | null
  /** Null: not known. */
  memoryUsedBytes: number | null
}

/** Manual control of a function version's workers, for admins (contract 4.7); version 0 is the function itself. */
export class WorkerControl {
  #parts: WorkerControlParts

  constructor(parts: WorkerControlParts) {
    this.#parts = parts
  }

  /** All workers of the server, in the order of eviction, with the memory that each uses now. */
  async kept(who: Principal): Promise<{ workers: MeasuredWorker[]; memory: PoolGauges }> {
    requireAdmin(who, 'Listing workers')
    const { pool, functions } = this.#parts
    const used = await pool.memoryUsed()
    const nameOf = (id: string | null) => (id === null ? null : (functions.find(id)?.name ?? null))
    const workers = pool.retainedWorkers().map((worker) => ({
      ...worker,
      functionName: nameOf(worker.functionId),
      memoryUsedBytes: used.get(worker.name) ?? null,
    }))
    return { workers, memory: pool.vitals() }
  }

  /** Recent samples of the workers' memory, the oldest first, and the functions that held the most, with their names. */
  history(who: Principal): {
    samples: readonly WorkerSample[]
    functions: { id: string; name: string | null }[]
    budgetBytes: number
  } {
    requireAdmin(who, 'Looking at workers')
    const { pool, functions, history } = this.#parts
    const samples = history.samples()
    const most = heldMost(samples).map((id) => ({ id, name: functions.find(id)?.name ?? null }))
    return { samples, functions: most, budgetBytes: pool.vitals().budgetBytes }
  }

  /** Empty for an unknown function. */
  list(who: Principal, nameOrId: string, version: number): ListedWorker[] {
    requireAdmin(who, 'Listing workers')
    const functionId = this.#idOf(who, nameOrId)
    return this.#parts.pool
      .workers()
      .filter((worker) => worker.functionId === functionId && worker.functionVersion === version)
      .map((worker) => ({ functionId, functionVersion: version, workerName: worker.name }))
  }

  /** Binds more idle workers in the background. */
  scaleUp(who: Principal, nameOrId: string, version: number, count = 1): void {
    requireAdmin(who, 'Scaling up')
    const fn = findByIdOrName(this.#parts.targets, who, nameOrId)
    checkCount(count)
    const { revision } = this.#parts.targets.resolve(who, { functionId: fn.id, functionVersion: version })
    if (revision.kind !== 'command') this.#parts.pool.scaleUp(revision, count)
  }

  /** Drops idle workers but keeps at least one. */
  scaleDown(who: Principal, nameOrId: string, version: number, count = 1): void {
    requireAdmin(who, 'Scaling down')
    const functionId = this.#existing(who, nameOrId, version)
    checkCount(count)
    this.#parts.pool.scaleDown(functionId, version, count)
  }

  /** Drops all workers. */
  detach(who: Principal, nameOrId: string, version: number): void {
    requireAdmin(who, 'Detaching workers')
    this.#parts.pool.retire(this.#existing(who, nameOrId, version), version, 'evicted')
  }

  #existing(who: Principal, nameOrId: string, version: number): string {
    const fn = findByIdOrName(this.#parts.targets, who, nameOrId)
    if (version !== 0 && this.#parts.functions.findVersion(fn.id, version) === null) {
      throw notFound(`Version ${version} of function`, fn.id)
    }
    return fn.id
  }

  #idOf(who: Principal, nameOrId: string): string {
    try {
      return this.#parts.targets.findFunction(who, nameOrId).id
    } catch (error) {
      if (error instanceof FaasError) return canonicalUuid(nameOrId) ?? nameOrId
      throw error
    }
  }
}

/** Number of functions that are listed by name. */
const mostFunctions = 6

/** Ids of the functions that held most memory for the longest time. */
function heldMost(samples: readonly WorkerSample[]): string[] {
  const sums = new Map<string, number>()
  for (const { functions } of samples) for (const [id, bytes] of functions) sums.set(id, (sums.get(id) ?? 0) + bytes)
  return [...sums]
    .sort(([, a], [, b]) => b - a)
    .slice(0, mostFunctions)
    .map(([id]) => id)
}

function checkCount(count: number): void {
  if (count < 1) throw invalid(`"count" is ${count}: it must be 1 or more.`)
}
