import type { StoredTrigger, TriggerStore } from './trigger.ts'

/** A URL that creates executions without credentials. */
export interface Webhook extends StoredTrigger {
  description: string | null
  /** The caller waits, and the function's answer is the answer; else the run is accepted and done later. */
  sync: boolean
}

export type WebhookStore = TriggerStore<Webhook>
