import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import type { PastCall } from '../../domain/runs/history.ts'
import { timeFromText } from '../../domain/time-text.ts'
import type { Executions } from '../../services/runs/executions.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'

const query = z.object({
  since: z.string().optional().openapi({
    description: 'Only calls that began at this time or later, such as 2026-11-30T00:00:00Z; default: all.',
  }),
})

/** Past calls, for the simulator. */
export function bindHistory(app: HttpApp, executions: Pick<Executions, 'history'>): void {
  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/history',
      tag: 'stats',
      summary: 'List the finished calls of the whole server, oldest first, without inputs and results (admin)',
      description:
        'One line per call: a JSON array of function id, version, time (ms since 1970), ms of the run, ms until it had a worker, kind of start, maximum memory in MB. ' +
        '"taibai simulate" shows with them what other ways of keeping workers would have done.',
      query,
      answers: { 200: 'lines' },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => {
      const pages = executions.history(c.get('who'), sinceMs(c.req.query('since')))
      return c.body(streamOf(pages), 200, { 'Content-Type': 'application/x-ndjson' })
    },
  )
}

function sinceMs(since: string | undefined): number {
  if (since === undefined) return 0
  const ms = timeFromText(since)
  if (ms === null)
    throw invalid(`"since" must be a time, such as 2026-11-30T00:00:00Z, not ${JSON.stringify(since.slice(0, 100))}.`)
  return ms
}

function streamOf(pages: AsyncIterator<PastCall[]>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await pages.next()
      if (done) controller.close()
      else controller.enqueue(Buffer.from(`${value.map(lineOf).join('\n')}\n`))
    },
    cancel: async () => void (await pages.return?.()),
  })
}

const lineOf = (call: PastCall): string =>
  JSON.stringify([
    call.functionId,
    call.functionVersion,
    call.atMs,
    call.runMs,
    call.acquireMs,
    call.startKind,
    call.memoryPeakMb,
  ])
