import type { Execution, FunctionCounts } from '../domain/runs/execution.ts'
import type { Row } from './ledger-rows.ts'
import type { Connection } from './sqlite.ts'

interface Counter {
  functionId: string
  version: number
  count: number
  lastAt: number
}

/** Number of executions of each function version: in memory, and in the ledger up to the last `takeRows`. */
export class Counters {
  #byFunction = new Map<string, Map<number, Counter>>()
  #changed = new Set<Counter>()

  constructor(connection: Connection) {
    const rows = connection.prepare('SELECT function_id, function_version, count, last_at FROM counters').raw().all()
    for (const [functionId, version, count, lastAt] of rows as [string, number, number, number][]) {
      Object.assign(this.#counter(functionId, version), { count, lastAt })
    }
  }

  of(functionId: string, version: number): FunctionCounts {
    const counter = this.#byFunction.get(functionId)?.get(version)
    return { count: counter?.count ?? 0, lastAt: counter?.lastAt ?? 0 }
  }

  add({ functionId, functionVersion, createdAt }: Execution): void {
    const counter = this.#counter(functionId, functionVersion)
    counter.count++
    if (createdAt > counter.lastAt) counter.lastAt = createdAt
    this.#changed.add(counter)
  }

  /** The execution was not created. */
  takeBack({ functionId, functionVersion }: Execution): void {
    const counter = this.#counter(functionId, functionVersion)
    counter.count--
    this.#changed.add(counter)
  }

  /** Changes since the last call, for the next batch. */
  takeRows(): Row[] {
    const rows: Row[] = []
    for (const { functionId, version, count, lastAt } of this.#changed) rows.push([functionId, version, count, lastAt])
    this.#changed.clear()
    return rows
  }

  #counter(functionId: string, version: number): Counter {
    let versions = this.#byFunction.get(functionId)
    if (versions === undefined) {
      versions = new Map()
      this.#byFunction.set(functionId, versions)
    }
    let counter = versions.get(version)
    if (counter === undefined) {
      counter = { functionId, version, count: 0, lastAt: 0 }
      versions.set(version, counter)
    }
    return counter
  }
}
