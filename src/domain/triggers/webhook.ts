import type { StoredTrigger, TriggerStore } from './trigger.ts'
import type { WebhookSignature } from './webhook-signature.ts'

/** A URL that creates executions without credentials. */
export interface Webhook extends StoredTrigger {
  description: string | null
  /** True: the caller waits for the function's response; false: the run is accepted and done later. */
  sync: boolean
  /** Callers must sign; null: whoever knows the URL may call. */
  signature: WebhookSignature | null
  /** Limit of calls per second over time; null: the server's default. */
  maxRate: number | null
}

export type WebhookStore = TriggerStore<Webhook>
