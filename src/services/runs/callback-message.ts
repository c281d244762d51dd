import type { Execution } from '../../domain/runs/execution.ts'
import { failureText, type Outcome } from '../../domain/runs/outcome.ts'
import type { Message } from '../../domain/triggers/cloud-event.ts'
import { outcomeOfRecord } from './recorded-outcome.ts'

const types = {
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
  bytes: 'application/octet-stream',
} as const

/** Headers of a single connection, and headers that we set. */
const notSent = /^(connection|keep-alive|transfer-encoding|content-length|host|te|trailer|upgrade|expect|proxy-.*)$/i

/** The function's response, posted to the URL that the caller named, as OpenFaaS's queue does. */
export function callbackMessage(execution: Execution, name: string): Message {
  const outcome = outcomeOfRecord(execution)
  const { status, headers, body } = answerOf(outcome)
  return {
    headers: {
      ...headers,
      'X-Call-Id': execution.id,
      'X-Duration-Seconds': ((execution.durationMs ?? 0) / 1000).toFixed(6),
      'X-Function-Name': name,
      'X-Function-Status': String(status),
    },
    body,
  }
}

function answerOf(outcome: Outcome): Message & { status: number } {
  if (outcome.kind === 'streamed') return { status: 200, headers: {}, body: Buffer.alloc(0) }
  if (outcome.kind !== 'returned') {
    const status = outcome.kind === 'timeout' ? 504 : outcome.kind === 'platform' ? 503 : 502
    return { status, headers: { 'Content-Type': types.text }, body: Buffer.from(failureText(outcome.error)) }
  }
  const { http, body, kind } = outcome.value
  if (http === undefined) return { status: 200, headers: { 'Content-Type': types[kind] }, body }
  const headers: Record<string, string> = {}
  for (const [header, value] of http.headers) {
    if (!notSent.test(header)) headers[header] = header in headers ? `${headers[header]}, ${value}` : value
  }
  return { status: http.status, headers, body }
}
