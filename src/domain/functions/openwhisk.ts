/**
 * Entities of Apache OpenWhisk's API that are stored and returned: an action beside its function, and packages, triggers and
 * rules, which have no counterpart here. Functions created in another way have none.
 */
export interface WhiskEntity {
  id: string
  projectId: string
  kind: WhiskKind
  /** The client's name; for an action with its package: `shop/pay`. */
  name: string
  /** The function of an action, with which it is deleted; null for other kinds. */
  functionId: string | null
  fields: WhiskFields
  /** Number of writes: the last part of its version. */
  writes: number
  createdAt: number
  updatedAt: number
}

export type WhiskKind = 'action' | 'package' | 'trigger' | 'rule'

/** An annotation, or a parameter with its default. */
export interface KeyValue {
  key: string
  value: unknown
  /** True for an environment variable instead of a parameter. */
  init?: boolean
}

export interface WhiskFields {
  annotations: KeyValue[]
  parameters: KeyValue[]
  /** Code of an action. */
  exec?: WhiskExec
  limits?: WhiskLimits
  /** The package to which a binding refers. */
  binding?: { namespace: string; name: string } | null
  /** The alarm of a trigger. */
  alarm?: WhiskAlarm | null
  /** The content of a rule. */
  rule?: WhiskRule
}

export interface WhiskExec {
  /** The client's name: `nodejs:20`, `blackbox`, `sequence`. */
  kind: string
  main?: string
  /** True for a ZIP; false for one file. */
  binary: boolean
  image?: string
  /** `/namespace/[package/]name` of each, in order. */
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
  /** A cron pattern; null: it fires once. */
  cron: string | null
  timezone: string
  /** The time when it fires once. */
  date: string | null
  payload: Record<string, unknown>
  /** Number of times that it fires; null: unlimited. */
  count: number | null
}

/** The pattern of an interval; null: it divides neither an hour nor a day, which no cron pattern can express. */
export function cronOfMinutes(minutes: number): string | null {
  if (minutes === 1) return '* * * * *'
  if (minutes > 1 && 60 % minutes === 0) return minutes === 60 ? '0 * * * *' : `*/${minutes} * * * *`
  if (minutes > 60 && 1440 % minutes === 0 && minutes % 60 === 0) {
    return minutes === 1440 ? '0 0 * * *' : `0 */${minutes / 60} * * *`
  }
  return null
}

export interface WhiskRule {
  /** Name of a trigger of the project. */
  trigger: string
  /** Name of an action of the project. */
  action: string
  status: 'active' | 'inactive'
  /** The job that runs the action when the trigger's alarm is due, and the key of its definition. */
  job: { id: string; key: string } | null
}

export interface WhiskEntityStore {
  find(projectId: string, kind: WhiskKind, name: string): WhiskEntity | null
  ofFunction(functionId: string): WhiskEntity | null
  /** The latest written first. */
  list(projectId: string, kind: WhiskKind): WhiskEntity[]
  /** Number of a project's packages, triggers and rules; actions count as functions. */
  countMade(projectId: string): number
  /** Projects with entities. */
  projects(): string[]
  /** Inserts or replaces by id. */
  put(entity: WhiskEntity): void
  delete(id: string): void
}
