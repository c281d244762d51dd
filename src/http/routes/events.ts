import { z } from '@hono/zod-openapi'
import { FaasError } from '../../domain/errors.ts'
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
/** Limit of streams at the same time, because each event is written to each. */
const mostStreamsPerProject = 100

const query = z.object({
  function: z.string().optional().openapi({ description: 'Name or id: only of this function.' }),
  log: z.enum(['true', 'false']).optional().openapi({ description: 'Also what runs print, as they print it.' }),
})

export function bindEvents(app: HttpApp, { events, targets, gauges }: EventsParts): void {
  const bytesOf = eventBytes()
  const openStreams = new Map<string, number>()
  const countStream = (projectId: string, change: 1 | -1): void => {
    const count = (openStreams.get(projectId) ?? 0) + change
    if (count > mostStreamsPerProject) {
      throw new FaasError(
        'limit_reached',
        `This project has ${mostStreamsPerProject} streams of events already, the most at the same time: close one, or read the lists.`,
      )
    }
    if (count === 0) openStreams.delete(projectId)
    else openStreams.set(projectId, count)
  }
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
      refusals: ['not_found', 'limit_reached'],
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
      countStream(who.projectId, 1)
      const watched = { events, isWanted, bytesOf, onLeave: () => countStream(who.projectId, -1) }
      return c.body(
        streamOf(watched, () => serverText(who, gauges())),
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

interface Watched {
  events: RunEvents
  isWanted(event: RunEvent): boolean
  bytesOf(event: RunEvent): Uint8Array
  onLeave(): void
}

function streamOf(
  { events, isWanted, bytesOf, onLeave }: Watched,
  serverNow: () => string,
): ReadableStream<Uint8Array> {
  let stop = (): void => {}
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let missed = 0
        const hasRoom = (): boolean => (controller.desiredSize ?? 0) > 0
        const send = (text: string): void => {
          if (hasRoom()) controller.enqueue(Buffer.from(text))
          else missed++
        }
        const tick = (): void => {
          const dropped = missed
          missed = 0
          if (dropped > 0) send(`event: missed\ndata: {"events":${dropped}}\n\n`)
          send(`event: server\ndata: ${serverNow()}\n\n`)
        }
        const unsubscribe = events.subscribe((event) => {
          if (!isWanted(event)) return
          if (hasRoom()) controller.enqueue(bytesOf(event))
          else missed++
        })
        const timer = setInterval(tick, tickMs)
        timer.unref()
        stop = () => {
          unsubscribe()
          clearInterval(timer)
          onLeave()
        }
        send('retry: 1000\n\n')
        tick()
      },
      cancel: () => stop(),
    },
    { highWaterMark: mostWaiting },
  )
}

/** Writes an event once for all streams, which get it one after the other. */
function eventBytes(): (event: RunEvent) => Uint8Array {
  let last: { event: RunEvent; bytes: Uint8Array } | undefined
  return (event) => {
    if (last?.event !== event) last = { event, bytes: Buffer.from(eventText(event)) }
    return last.bytes
  }
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
