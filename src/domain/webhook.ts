import type { StoredTrigger, TriggerStore } from './trigger.ts'

/** A URL that creates executions without credentials. */
export interface Webhook extends StoredTrigger {
  description: string | null
}

export type WebhookStore = TriggerStore<Webhook>
