import type { Webhook, WebhookStore } from '../domain/triggers/webhook.ts'
import type { Database } from './database.ts'
import { webhooks } from './schema.ts'
import { TriggerRows } from './triggers.ts'

export class WebhookRows extends TriggerRows<Webhook> implements WebhookStore {
  constructor(database: Database) {
    super(database, webhooks)
  }
}
