/** CloudEvents 1.0 (github.com/cloudevents/spec): what tells one program of what happened in another. */

export interface CloudEvent {
  /** Attributes and extensions by name; `id`, `source`, `type` and `specversion` are always there. */
  attributes: Record<string, string>
  /** Null: the event has none. */
  data: EventData | null
}

/** JSON as text, so that its numbers stay as they were written; else bytes. */
export type EventData = { json: string } | { bytes: Buffer }

/** The structured form: one JSON object. */
export function structured({ attributes, data }: CloudEvent): string {
  const members = Object.entries(attributes).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  if (data !== null && 'json' in data) members.push(`"data":${data.json}`)
  if (data !== null && 'bytes' in data) members.push(`"data_base64":"${data.bytes.toString('base64')}"`)
  return `{${members.join(',')}}`
}

/** Extension attribute that counts how many results of other runs led to this event: what ends loops. */
export const depthAttribute = 'taibaidepth'

/** What is posted as it is, and is no event. */
export interface Message {
  headers: Record<string, string>
  body: Buffer
}

/** Sends events to a URL. */
export interface EventSender {
  /** Never rejects. */
  send(url: string, event: CloudEvent | Message): Promise<Sent>
}

/** `gone`: trying again is of no use. */
export type Sent = { kind: 'taken' } | { kind: 'refused' | 'gone'; reason: string }
