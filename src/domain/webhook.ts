import type { StoredTrigger, TriggerStore } from './trigger.ts'
import type { WebhookSignature } from './webhook-signature.ts'

/** A URL that creates executions without credentials. */
export interface Webhook extends StoredTrigger {
  description: string | null
  /** The caller waits, and the function's answer is the answer; else the run is accepted and done later. */
  sync: boolean
  /** Who does not sign is refused; null: whoever knows the URL may call. */
  signature: WebhookSignature | null
  /** Most calls a second in the long run; null: the server's default. */
  maxRate: number | null
}

export type WebhookStore = TriggerStore<Webhook>
