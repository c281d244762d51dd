import type { Outcome, Value } from '../../domain/runs/outcome.ts'

/**
 * A function's result as the JSON text that is recorded and shown as `output`: JSON as it is, text as a string, bytes as
 * `{"base64": …}`, an `http` response as `{"status", "headers", "body"}` with repeated headers as arrays. Null when nothing was
 * returned.
 */
export function outputText(outcome: Outcome): string | null {
  if (outcome.kind === 'streamed') return `{"status": ${outcome.status}, "streamed": true}`
  return 'value' in outcome && outcome.value !== undefined ? valueText(outcome.value) : null
}

function valueText(value: Value): string {
  if (value.http === undefined) return bodyText(value)
  const { status, headers } = value.http
  return `{"status": ${status}, "headers": ${JSON.stringify(gathered(headers))}, "body": ${bodyText(value)}}`
}

function gathered(headers: [string, string][]): Record<string, string | string[]> {
  const found = new Map<string, string | string[]>()
  for (const [name, value] of headers) {
    const before = found.get(name)
    if (before === undefined) found.set(name, value)
    else if (Array.isArray(before)) before.push(value)
    else found.set(name, [before, value])
  }
  return Object.fromEntries(found)
}

function bodyText({ kind, body }: Value): string {
  if (kind === 'json') return body.toString('utf8')
  return JSON.stringify(kind === 'text' ? body.toString('utf8') : { base64: body.toString('base64') })
}
