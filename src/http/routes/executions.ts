import { z } from '@hono/zod-openapi'
import type { Executions } from '../../services/runs/executions.ts'
import { toInvoke } from '../access/guard.ts'
import { ResponseCaller } from '../connection/caller.ts'
import type { ReadTurns } from '../connection/read-turns.ts'
import { describe, endpoint, type HttpApp } from '../endpoint.ts'
import { executionJson, shownExecution } from '../executions/execution-json.ts'
import { sendExecution, sendExecutions } from '../executions/execution-list.ts'
import { newExecution } from '../executions/execution-request.ts'
import { uuidParam } from '../fields.ts'
import { type Column, listParameters, listQuery, order } from '../list-query.ts'

const tag = 'executions'
const columns: readonly Column[] = [
  ...(['function_id', 'status', 'description', 'project_id'] as const),
  ...(['trigger', 'trigger_id', 'start_kind', 'function_alias', 'created_at', 'error'] as const),
]

export function bindExecutions(app: HttpApp, executions: Executions, reads: ReadTurns): void {
  describe(app, {
    method: 'post',
    path: '/v1/executions',
    tag,
    ...toInvoke,
    summary: 'Run a function',
    description:
      '201 whatever the function does: look at the status. With "sync": false the run is accepted for good, and may have ' +
      'delay, run_at, priority, retries, on_success and on_failure. With the header Prefer: wait=N the run is accepted, ' +
      'and the answer is 202 when it takes longer than this number of seconds. The header Idempotency-Key is the field.',
    body: newExecution,
    answers: { 201: shownExecution, 202: shownExecution },
    refusals: [
      'invalid_request',
      'not_found',
      'conflict',
      'runtime_unavailable',
      'too_large',
      'unsupported_media_type',
      'call_too_deep',
      'queue_full',
      'shutting_down',
    ],
  })

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/executions',
      tag,
      onlyFunction: 'checked',
      summary: 'List executions, oldest first unless "order" is newest',
      query: listParameters(columns).extend({ order }),
      answers: { 200: z.object({ executions: z.array(shownExecution) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) =>
      sendExecutions(c, reads, 'executions', executions.list(c.get('who'), listQuery(c, c.get('who'), columns, true))),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/executions/:id',
      tag,
      // A caller who may start runs may also see how they end.
      scope: ['read', 'invoke'],
      onlyFunction: 'checked',
      summary: 'Show an execution; with wait=30, once it has ended or after 30 seconds',
      query: z.object({ wait: z.string().optional() }),
      answers: { 200: shownExecution },
      refusals: ['invalid_request', 'not_found'],
    },
    async (c) => {
      const [who, id] = [c.get('who'), uuidParam('Execution', c.req.param('id'))]
      const ms = waitMs(c.req.query('wait'))
      if (ms === null) return sendExecution(c, reads, () => executions.get(who, id))
      const { signal: left } = new ResponseCaller(c.env.outgoing)
      return c.body(executionJson(await executions.wait(who, id, { ms, left })), 200, json)
    },
  )

  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/executions/:id/cancel',
      scope: ['invoke', 'deploy'],
      onlyFunction: 'checked',
      tag,
      summary: 'Cancel a run',
      description:
        'A waiting run ends at once, as failed, with an error of the type Cancelled. The function of a running one ' +
        'gets its abort signal, and its worker is ended when the run has not ended within TAIBAI_STOP_GRACE_MS. ' +
        'A run that is over stays as it is.',
      answers: { 200: shownExecution },
      refusals: ['invalid_request', 'not_found'],
    },
    async (c) => {
      const execution = await executions.cancel(c.get('who'), uuidParam('Execution', c.req.param('id')))
      return c.body(executionJson(execution), 200, json)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/executions/:id/log',
      tag,
      scope: ['read', 'invoke'],
      onlyFunction: 'checked',
      summary: 'Show the output of a run up to now',
      description: 'A line with the id of the execution, then the output; 204 while there is none.',
      answers: { 200: 'text', 204: 'nothing' },
      refusals: ['invalid_request', 'not_found'],
    },
    async (c) => {
      const [who, id] = [c.get('who'), uuidParam('Execution', c.req.param('id'))]
      const log = await reads.run(who.projectId, () => executions.log(who, id))
      return log === null ? c.body(null, 204) : c.body(log, 200, { 'Content-Type': 'text/plain; charset=UTF-8' })
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path: '/v1/executions/:id',
      tag,
      onlyFunction: 'checked',
      summary: 'Delete an execution in any status',
      description: 'A run that has begun continues, and leaves no record.',
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'not_found'],
    },
    async (c) => {
      await executions.delete(c.get('who'), uuidParam('Execution', c.req.param('id')))
      return c.body(null, 204)
    },
  )
}

const longestWaitSeconds = 600

/** A value that is not a number is ignored, like every unknown parameter of this route. */
function waitMs(wait: string | undefined): number | null {
  const seconds = Number(wait)
  return wait !== undefined && seconds > 0 ? Math.min(seconds, longestWaitSeconds) * 1000 : null
}

const json = { 'Content-Type': 'application/json' }
