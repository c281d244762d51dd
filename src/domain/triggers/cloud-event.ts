/** CloudEvents 1.0 (github.com/cloudevents/spec): a common format for events between programs. */

export interface CloudEvent {
  /** Attributes and extensions by name; `id`, `source`, `type` and `specversion` are always there. */
  attributes: Record<string, string>
  /** Null: the event has none. */
  data: EventData | null
}

/** JSON as text, which keeps the spelling of numbers; else bytes. */
export type EventData = { json: string } | { bytes: Buffer }

/** The structured form: one JSON object. */
export function structured({ attributes, data }: CloudEvent): string {
  const members = Object.entries(attributes).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  if (data !== null && 'json' in data) members.push(`"data":${data.json}`)
  if (data !== null && 'bytes' in data) members.push(`"data_base64":"${data.bytes.toString('base64')}"`)
  return `{${members.join(',')}}`
}

/** Extension attribute with the number of results that led to this event; it ends loops. */
export const depthAttribute = 'taibaidepth'

/** A message that is posted as it is, not as an event. */
export interface Message {
  headers: Record<string, string>
  body: Buffer
}

/** Sends events to a URL. */
export interface EventSender {
  /** Never rejects. */
  send(url: string, event: CloudEvent | Message): Promise<SendResult>
}

/** `gone`: a retry is useless. */
export type SendResult = { kind: 'taken' } | { kind: 'refused' | 'gone'; reason: string }
