/**
 * What clients of Apache OpenWhisk make and want to be told again: an action beside its function, and packages, triggers and
 * rules, which are no nouns of ours. Functions that were made in another way have none.
 */
export interface WhiskEntity {
  id: string
  projectId: string
  kind: WhiskKind
  /** As clients name it; an action with its package: `shop/pay`. */
  name: string
  /** Of an action: it goes with its function. */
  functionId: string | null
  fields: WhiskFields
  /** How often it was written: the last part of its version. */
  writes: number
  createdAt: number
  updatedAt: number
}

export type WhiskKind = 'action' | 'package' | 'trigger' | 'rule'

/** An annotation, or a parameter with its default. */
export interface KeyValue {
  key: string
  value: unknown
  /** A variable of the environment in place of a parameter. */
  init?: boolean
}

export interface WhiskFields {
  annotations: KeyValue[]
  parameters: KeyValue[]
  /** Of an action. */
  exec?: WhiskExec
  limits?: WhiskLimits
  /** Of a package that stands for another one. */
  binding?: { namespace: string; name: string } | null
  /** Of a trigger that a clock fires. */
  alarm?: WhiskAlarm | null
  /** Of a rule. */
  rule?: WhiskRule
}

export interface WhiskExec {
  /** As clients name it: `nodejs:20`, `blackbox`, `sequence`. */
  kind: string
  main?: string
  /** A ZIP; else one file. */
  binary: boolean
  image?: string
  /** `/namespace/[package/]name` of each, in their order. */
  components?: string[]
}

/** `timeout` in ms, `memory` and `logs` in MB. */
export interface WhiskLimits {
  timeout: number
  memory: number
  logs: number
  concurrency: number
}

export interface WhiskAlarm {
  /** A cron pattern; null: once. */
  cron: string | null
  timezone: string
  /** When it fires, where that is once. */
  date: string | null
  payload: Record<string, unknown>
  /** Times that it fires; null: no end. */
  count: number | null
}

export interface WhiskRule {
  /** Name of a trigger of the project. */
  trigger: string
  /** Name of an action of the project. */
  action: string
  status: 'active' | 'inactive'
  /** The job that runs the action when the trigger's alarm is due, and what it was made from. */
  job: { id: string; key: string } | null
}

export interface WhiskEntityStore {
  find(projectId: string, kind: WhiskKind, name: string): WhiskEntity | null
  ofFunction(functionId: string): WhiskEntity | null
  /** The latest written first. */
  list(projectId: string, kind: WhiskKind): WhiskEntity[]
  /** Packages, triggers and rules of a project: actions are functions. */
  countMade(projectId: string): number
  /** Those that have any. */
  projects(): string[]
  /** Writes or replaces, by id. */
  put(entity: WhiskEntity): void
  delete(id: string): void
}
