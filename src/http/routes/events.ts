import { z } from '@hono/zod-openapi'
import { canSee, type Principal } from '../../domain/platform/principal.ts'
import type { Targets } from '../../services/functions/targets.ts'
import type { RunEvent, RunEvents } from '../../services/runs/run-events.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { executionJson } from '../executions/execution-json.ts'
import type { Gauges } from '../pages/metrics-text.ts'

export interface EventsParts {
  events: RunEvents
  targets: Pick<Targets, 'findFunction'>
  gauges(): Gauges
}

/** Interval of the server's numbers, which also keeps the connection alive. */
const tickMs = 2000
/** Limit of events that wait for one reader; further events are dropped, and the stream says so. */
const mostWaiting = 1000

const query = z.object({
  function: z.string().optional().openapi({ description: 'Name or id: only of this function.' }),
  log: z.enum(['true', 'false']).optional().openapi({ description: 'Also what runs print, as they print it.' }),
})

export function bindEvents(app: HttpApp, { events, targets, gauges }: EventsParts): void {
  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/events',
      onlyFunction: 'checked',
      tag: 'stats',
      summary: 'Stream the events of runs as they happen (server-sent events)',
      description:
        'Events: `execution` (a run begins, ends, or will be retried; as in /v1/executions, without input and output), ' +
        '`log` ({"execution", "text"}), `server` (every two seconds: running, queued, jobs; for admins the workers by state), ' +
        '`missed` ({"events"}: number of events dropped because the reader is slow). Events are not stored: after a pause, read the lists again.',
      query,
      answers: { 200: 'events' },
      refusals: ['not_found'],
    },
    (c) => {
      const who = c.get('who')
      const name = c.req.query('function')
      const functionId = name === undefined ? null : targets.findFunction(who, name).id
      const wantsLog = c.req.query('log') === 'true'
      const isWanted = (event: RunEvent): boolean =>
        canSee(who, event.execution.projectId) &&
        (who.onlyFunction === undefined || event.execution.functionId === who.onlyFunction) &&
        (functionId === null || event.execution.functionId === functionId) &&
        (event.kind === 'execution' || wantsLog)
      return c.body(
        streamOf(events, isWanted, () => serverText(who, gauges())),
        200,
        {
          'Content-Type': 'text/event-stream',
          'Cache-Control': 'no-store',
          'X-Accel-Buffering': 'no',
        },
      )
    },
  )
}

function streamOf(
  events: RunEvents,
  isWanted: (event: RunEvent) => boolean,
  serverNow: () => string,
): ReadableStream<Uint8Array> {
  let stop = (): void => {}
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let missed = 0
        const send = (text: string): void => {
          if ((controller.desiredSize ?? 0) <= 0) missed++
          else controller.enqueue(Buffer.from(text))
        }
        const tick = (): void => {
          const dropped = missed
          missed = 0
          if (dropped > 0) send(`event: missed\ndata: {"events":${dropped}}\n\n`)
          send(`event: server\ndata: ${serverNow()}\n\n`)
        }
        const unsubscribe = events.subscribe((event) => {
          if (isWanted(event)) send(eventText(event))
        })
        const timer = setInterval(tick, tickMs)
        timer.unref()
        stop = () => {
          unsubscribe()
          clearInterval(timer)
        }
        send('retry: 1000\n\n')
        tick()
      },
      cancel: () => stop(),
    },
    { highWaterMark: mostWaiting },
  )
}

function eventText(event: RunEvent): string {
  if (event.kind === 'execution') {
    return `event: execution\ndata: ${executionJson({ ...event.execution, input: null, output: null })}\n\n`
  }
  const data = JSON.stringify({ execution: event.execution.id, text: event.text })
  return `event: log\ndata: ${data}\n\n`
}

/** Only admins get the numbers of the whole server. */
function serverText(who: Principal, { running, queued, jobs, workers }: Gauges): string {
  if (!who.isAdmin) return '{}'
  const states: Record<string, number> = {}
  for (const { state } of workers) states[state] = (states[state] ?? 0) + 1
  return JSON.stringify({ running, queued, jobs, workers: states })
}
