import type { ServerResponse } from 'node:http'
import { depthAttribute } from '../domain/cloud-event.ts'
import type { HttpRequestHead } from '../domain/http-request.ts'
import { takesRequest } from '../domain/worker.ts'
import type { AskedRuns } from '../services/runs/asked-runs.ts'
import type { RunRequest } from '../services/runs/invocation.ts'
import { answerAsAsked, answerWithRun } from './answered-run.ts'
import type { Asked } from './asked.ts'
import { eventHeaders, eventsIn, modeOf, type TakenEvent } from './cloud-events.ts'
import { unpacked } from './content-encoding.ts'
import type { Ctx } from './ctx.ts'

/** A run with the request that its function is told of. */
export type EventRun = RunRequest & { http: HttpRequestHead }

type Parts = Parameters<typeof answerWithRun>[0] & { asked: AskedRuns }

/** One event is a call as any other; of a batch each is an accepted run, and the answer has their ids. */
export async function answerEvents(
  parts: Parts,
  request: Omit<EventRun, 'input'>,
  mode: 'binary' | 'structured' | 'batched',
  events: TakenEvent[],
  asked: Asked | undefined,
  outgoing: ServerResponse,
  isOwn: boolean,
): Promise<void> {
  const runs = events.map((event) => runOf(request, event))
  const [only] = runs
  if (mode !== 'batched' && only !== undefined) {
    return asked === undefined
      ? answerWithRun(parts, only, outgoing, isOwn)
      : answerAsAsked(parts, only, asked, outgoing, isOwn)
  }
  const executions: string[] = []
  for (const run of runs) executions.push((await parts.asked.accept({ ...run, trigger: 'event' })).id)
  const body = JSON.stringify({ executions })
  outgoing.writeHead(202, ['Content-Type', 'application/json', 'Content-Length', String(body.length)]).end(body)
}

/** What a webhook is called with: as it is, with the data of an event as its input, or a run for each event of a batch. */
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
  // Each is a run of its own: what would make the delivery one run is not theirs.
  return events.map((event) => ({ ...runOf(run, event), executionId: undefined }))
}

/** The input is the data; the attributes are headers of the request that the function is told of. */
export function runOf(request: Omit<EventRun, 'input'>, event: TakenEvent): EventRun {
  const told = new Set(eventHeaders(event).map(([name]) => name))
  const others = request.http.headers.filter(([name]) => !told.has(name) && name !== 'content-length')
  const http = { ...request.http, headers: [...others, ...eventHeaders(event)] }
  return withDepth({ ...request, input: event.input, http }, Number(event.attributes[depthAttribute]))
}

const withDepth = (run: EventRun, depth: number): EventRun =>
  depth > 0 && Number.isInteger(depth) ? { ...run, terms: { ...run.terms, depth } } : run
