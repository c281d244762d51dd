import { type HttpHead, noUsage, type Outcome } from '../../domain/runs/outcome.ts'

/** Outcomes of calls that are HTTP requests to an image. */

/** Failures of which the log may tell more. */
export const isFailedAnswer = (outcome: Outcome): boolean =>
  outcome.kind === 'streamed'
    ? outcome.status >= 500
    : outcome.kind === 'raised' || (outcome.kind === 'returned' && (outcome.value.http?.status ?? 200) >= 500)

export const pathNotFound = (): Outcome => {
  const http: HttpHead = { status: 404, headers: [['content-type', 'text/plain; charset=utf-8']] }
  const value = { kind: 'text' as const, body: Buffer.from('Not found.\n'), http }
  return { kind: 'returned', value, runMs: 0, ...noUsage }
}

export const requestFailed = (message: string, runMs: number): Outcome => {
  return { kind: 'raised', error: { type: 'HttpError', message, stack: null }, runMs, ...noUsage }
}
