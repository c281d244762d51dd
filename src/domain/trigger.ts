/** What makes executions by itself: a job by the clock, a webhook by its URL, a source by events. */

/**
 * What a trigger points at: a function and a version (0: as it is now), or an alias, which is looked up in the trigger's
 * project each time that it fires.
 */
export interface TriggerTarget {
  functionId: string | null
  functionVersion: number | null
  functionAlias: string | null
}

/** What the rows of all triggers have in common. */
export interface StoredTrigger extends TriggerTarget {
  id: string
  projectId: string
  createdAt: number
  updatedAt: number | null
}

/** What every store of triggers can be asked. Lists are by created_at, then id. */
export interface TriggerStore<T extends StoredTrigger> {
  insert(trigger: T): void
  update(trigger: T): void
  delete(id: string): boolean
  find(id: string): T | null
  /** The triggers of a project; null: of all projects. */
  list(projectId: string | null): T[]
  listOfFunction(functionId: string): T[]
  listOfAlias(projectId: string, alias: string): T[]
}

/** What needs a function, a version or an alias. */
export interface Holder {
  kind: 'job' | 'webhook' | 'alias' | 'source' | 'function'
  /** Id of a trigger or a function, or name of an alias. */
  id: string
  projectId: string
}

/** Asked before something is removed. Finished jobs need nothing. Holders come in the contract's order of checks. */
export interface InUse {
  ofFunction(functionId: string): Holder[]
  ofVersion(functionId: string, version: number): Holder[]
  ofAlias(projectId: string, alias: string): Holder[]
  /** Webhooks that check their callers with the secret. */
  ofSecret(projectId: string, secret: string): Holder[]
  /** Jobs that are not finished and name the function itself. */
  jobsOf(functionId: string): Holder[]
  /** Removes them, and first what holds them: for a delete that cascades. Functions stay. */
  remove(holders: Holder[]): Promise<void>
}
