import type { NewId } from '../../domain/ids.ts'
import type { CallInput } from '../../domain/platform/worker.ts'
import type { HttpRequestHead } from '../../domain/runs/http-request.ts'

/** `accepted`: it started a run. `duplicate`: it had started one before. `refused`: its signature was invalid. */
export type DeliveryStatus = 'accepted' | 'duplicate' | 'refused'

/** One call of a webhook. */
export interface WebhookDelivery {
  id: string
  receivedAt: number
  status: DeliveryStatus
  /** Reason of the refusal. */
  reason: string | null
  executionId: string | null
  /** The sender's id of the delivery. */
  deliveryId: string | null
  bytes: number
  /** For running it again; null: it was refused, or is too large to keep. */
  request: { input: CallInput; http: HttpRequestHead } | null
}

/** Limit of kept deliveries of one webhook. */
const mostDeliveries = 50
/** Limits of kept bytes: of one delivery, and of all together. */
const mostBytes = 256 * 1024
const mostBytesTogether = 16 * 1024 * 1024

/** The last deliveries of each webhook, in memory: the executions are recorded separately. */
export class WebhookDeliveries {
  #newId: NewId
  #byWebhook = new Map<string, WebhookDelivery[]>()
  #bytes = 0

  constructor(newId: NewId) {
    this.#newId = newId
  }

  get heldBytes(): number {
    return this.#bytes
  }

  note(webhookId: string, delivery: Omit<WebhookDelivery, 'id'>): void {
    const kept = this.#byWebhook.get(webhookId) ?? []
    const request = delivery.bytes <= mostBytes ? delivery.request : null
    kept.push({ ...delivery, request, id: this.#newId() })
    this.#bytes += request === null ? 0 : delivery.bytes
    if (kept.length > mostDeliveries) this.#drop(kept.shift())
    // Keeps the map in the order of the last call.
    this.#byWebhook.delete(webhookId)
    this.#byWebhook.set(webhookId, kept)
    this.#shrink()
  }

  /** The newest first. */
  of(webhookId: string): WebhookDelivery[] {
    return [...(this.#byWebhook.get(webhookId) ?? [])].reverse()
  }

  find(webhookId: string, id: string): WebhookDelivery | undefined {
    return this.#byWebhook.get(webhookId)?.find((delivery) => delivery.id === id)
  }

  forget(webhookId: string): void {
    for (const delivery of this.#byWebhook.get(webhookId) ?? []) this.#drop(delivery)
    this.#byWebhook.delete(webhookId)
  }

  #drop(delivery: WebhookDelivery | undefined): void {
    if (delivery?.request) this.#bytes -= delivery.bytes
  }

  /** Webhooks with the oldest last call lose their kept deliveries. */
  #shrink(): void {
    for (const id of this.#byWebhook.keys()) {
      if (this.#bytes <= mostBytesTogether) return
      this.forget(id)
    }
  }
}
