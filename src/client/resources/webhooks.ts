import type { Row, TargetFields } from './row.ts'

export interface WebhookRow extends Row {
  function_id: string | null
  function_version: number | null
  function_alias: string | null
  description: string | null
  /** A POST to this URL runs the function without a token. */
  webhook_url: string
  sync: boolean
  signature: WebhookSignature | null
  /** Calls per second; null: the server's default. */
  max_rate: number | null
}

export interface WebhookSignature {
  scheme: 'github' | 'gitlab' | 'slack' | 'stripe' | 'standard' | 'hmac'
  /** Name of a secret. */
  secret: string
  header?: string | null
  tolerance?: number | null
}

export interface DeliveryRow {
  id: string
  received_at: string
  status: 'accepted' | 'duplicate' | 'refused'
  reason: string | null
  execution_id: string | null
  delivery_id: string | null
  bytes: number
  can_redeliver: boolean
}

export interface WebhookFields extends TargetFields {
  description?: string
  /** Callers wait for the function's response, and GET is accepted too. */
  sync?: boolean
  signature?: WebhookSignature | null
  max_rate?: number | null
}
