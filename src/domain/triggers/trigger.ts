/** Triggers create executions: a job by the clock, a webhook by its URL, a source by events. */

/**
 * The target of a trigger: a function and a version (0: the current code), or an alias, which is resolved in the trigger's
 * project at each run.
 */
export interface TriggerTarget {
  functionId: string | null
  functionVersion: number | null
  functionAlias: string | null
}

/** The columns that all triggers share. */
export interface StoredTrigger extends TriggerTarget {
  id: string
  projectId: string
  createdAt: number
  updatedAt: number | null
}

/** The operations of all trigger stores. Lists are by created_at, then id. */
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

/** An object that needs a function, a version, an alias or a secret. */
export interface Dependent {
  kind: 'job' | 'webhook' | 'alias' | 'source' | 'function'
  /** Id of a trigger or a function, or name of an alias. */
  id: string
  /** Shown before the id. */
  name?: string | null
  projectId: string
}

/** Asked before a deletion. Finished jobs do not count. Holders are in the contract's order of checks. */
export interface DependentLookup {
  ofFunction(functionId: string): Dependent[]
  ofVersion(functionId: string, version: number): Dependent[]
  ofAlias(projectId: string, alias: string): Dependent[]
  /** Webhooks that verify signatures with the secret. */
  ofSecret(projectId: string, secret: string): Dependent[]
  /** Unfinished jobs that name the function itself. */
  jobsOf(functionId: string): Dependent[]
  /** Deletes the holders, and first their own holders: for a cascading delete. Functions stay. */
  remove(holders: Dependent[]): Promise<void>
}
