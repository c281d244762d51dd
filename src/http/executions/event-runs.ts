import type { ServerResponse } from 'node:http'
import { takesRequest } from '../../domain/platform/worker.ts'
import type { HttpRequestHead } from '../../domain/runs/http-request.ts'
import { depthAttribute } from '../../domain/triggers/cloud-event.ts'
import type { AsyncRequests } from '../../services/runs/async-requests.ts'
import type { RunRequest } from '../../services/runs/invocation.ts'
import { unpacked } from '../connection/content-encoding.ts'
import type { Ctx } from '../request-context.ts'
import type { AsyncRequest } from './async-request.ts'
import { eventHeaders, eventsIn, modeOf, type ReceivedEvent } from './cloud-events.ts'
import { answerAcceptedRun, answerWithRun } from './run-response.ts'

/** A run together with the request head for its function. */
export type EventRun = RunRequest & { http: HttpRequestHead }

type Parts = Parameters<typeof answerWithRun>[0] & { asyncRequests: AsyncRequests }

/**
 * A single event is called like any other request; each event of a batch becomes an accepted run, and the response contains their
 * ids.
 */
export async function answerEvents(
  parts: Parts,
  request: Omit<EventRun, 'input'>,
  mode: 'binary' | 'structured' | 'batched',
  events: ReceivedEvent[],
  asyncRequest: AsyncRequest | undefined,
  outgoing: ServerResponse,
  isOwn: boolean,
): Promise<void> {
  const runs = events.map((event) => runOf(request, event))
  const [only] = runs
  if (mode !== 'batched' && only !== undefined) {
    return asyncRequest === undefined
      ? answerWithRun(parts, only, outgoing, isOwn)
      : answerAcceptedRun(parts, only, asyncRequest, outgoing, isOwn)
  }
  const executions: string[] = []
  for (const run of runs) executions.push((await parts.asyncRequests.accept({ ...run, trigger: 'event' })).id)
  const body = JSON.stringify({ executions })
  outgoing.writeHead(202, ['Content-Type', 'application/json', 'Content-Length', String(body.length)]).end(body)
}

/** The runs of a webhook's call: the request as it is, with the data of an event as input, or a run for each event of a batch. */
export async function eventsOf(
  c: Ctx,
  run: EventRun,
  body: Buffer,
  { maxBodyBytes }: { maxBodyBytes: number },
): Promise<EventRun | EventRun[]> {
  const { headers } = c.env.incoming
  const mode = modeOf(headers)
  if (mode === undefined) return run
  if (takesRequest(run.target.revision)) return withDepth(run, Number(headers[`ce-${depthAttribute}`]))
  const content = await unpacked(body, headers['content-encoding'], maxBodyBytes)
  const events = eventsIn(mode, headers, content, run.target.revision.signature)
  const [only] = events
  if (mode !== 'batched' && only !== undefined) return runOf(run, only)
  // Each event is a run of its own, so the delivery's id cannot be the execution id.
  return events.map((event) => ({ ...runOf(run, event), executionId: undefined }))
}

/** The data becomes the input; the attributes become headers of the request that the function gets. */
export function runOf(request: Omit<EventRun, 'input'>, event: ReceivedEvent): EventRun {
  const told = new Set(eventHeaders(event).map(([name]) => name))
  const others = request.http.headers.filter(([name]) => !told.has(name) && name !== 'content-length')
  const http = { ...request.http, headers: [...others, ...eventHeaders(event)] }
  return withDepth({ ...request, input: event.input, http }, Number(event.attributes[depthAttribute]))
}

const withDepth = (run: EventRun, depth: number): EventRun =>
  depth > 0 && Number.isInteger(depth) ? { ...run, terms: { ...run.terms, depth } } : run
