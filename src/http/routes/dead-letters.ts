import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import type { DeadLetters } from '../../services/runs/dead-letters.ts'
import { readObject } from '../connection/body.ts'
import type { ReadTurns } from '../connection/read-turns.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { executionJson, shownExecution } from '../executions/execution-json.ts'
import { sendExecution, sendExecutions } from '../executions/execution-list.ts'
import { field, nullable, parseFields, uuidParam } from '../fields.ts'
import { type Column, listParameters, listQuery, order } from '../list-query.ts'
import type { Ctx } from '../request-context.ts'

const tag = 'dead letters'
const columns: readonly Column[] = [
  ...(['function_id', 'status', 'description', 'project_id'] as const),
  ...(['trigger', 'trigger_id', 'function_alias', 'created_at', 'error'] as const),
]

const newInput = z.object({
  input: nullable(
    field(
      { type: ['string', 'null'], description: 'Its new input, in the form of "input" of an execution.' },
      (value) => {
        if (typeof value !== 'string') throw invalid('must be a string; write a JSON object as text.')
        return value
      },
    ),
  ),
})
const done = z.object({
  done: z.int(),
  left: z.int().openapi({ description: 'Number of those that did not fit into the queue.' }),
})
const asBody = { 'Content-Type': 'application/json' }

/** Accepted runs that did not succeed and are not retried automatically. */
export function bindDeadLetters(
  app: HttpApp,
  deadLetters: DeadLetters,
  settings: { maxBodyBytes: number },
  reads: ReadTurns,
): void {
  const idOf = (c: Ctx) => uuidParam('Execution', c.req.param('id') ?? '')

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/dead-letters',
      tag,
      summary: 'List accepted runs that failed and will not be retried automatically',
      query: listParameters(columns).extend({ order }),
      answers: { 200: z.object({ dead_letters: z.array(shownExecution) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) =>
      sendExecutions(
        c,
        reads,
        'dead_letters',
        deadLetters.list(c.get('who'), listQuery(c, c.get('who'), columns, true)),
      ),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/dead-letters/:id',
      tag,
      summary: 'Show a dead letter',
      answers: { 200: shownExecution },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => sendExecution(c, reads, () => deadLetters.get(c.get('who'), idOf(c))),
  )

  endpoint(
    app,
    {
      method: 'put',
      path: '/v1/dead-letters/:id',
      tag,
      summary: 'Change the input of a dead letter',
      body: newInput,
      answers: { 200: shownExecution },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const { input } = parseFields(newInput, await readObject(c, settings.maxBodyBytes))
      if (input === undefined) throw invalid('"input" is required.')
      return c.body(executionJson(await deadLetters.edit(c.get('who'), idOf(c), input)), 200, asBody)
    },
  )

  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/dead-letters/:id/redrive',
      tag,
      summary: 'Run a dead letter again under its id, as a new run',
      body: newInput,
      answers: { 202: shownExecution },
      refusals: ['invalid_request', 'not_found', 'too_large', 'queue_full', 'shutting_down'],
    },
    async (c) => {
      const hasBody = c.req.header('content-type') !== undefined
      const { input } = hasBody ? parseFields(newInput, await readObject(c, settings.maxBodyBytes)) : {}
      return c.body(executionJson(await deadLetters.redrive(c.get('who'), idOf(c), input)), 202, asBody)
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path: '/v1/dead-letters/:id',
      tag,
      summary: 'Drop a dead letter; its record stays among the executions',
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'not_found'],
    },
    async (c) => {
      await deadLetters.drop(c.get('who'), idOf(c))
      return c.body(null, 204)
    },
  )

  for (const verb of ['redrive', 'drop'] as const) {
    endpoint(
      app,
      {
        method: 'post',
        path: `/v1/dead-letters/${verb}`,
        tag,
        summary:
          verb === 'redrive' ? 'Run all dead letters again that match the filter' : 'Drop all that the filter finds',
        description: 'At least one filter is required; limit says how many at most.',
        query: listParameters(columns).extend({ order }),
        answers: { 200: done },
        refusals: ['invalid_request', 'forbidden', 'shutting_down'],
      },
      async (c) => {
        const [who, query] = [c.get('who'), listQuery(c, c.get('who'), columns, true)]
        return c.json(await (verb === 'redrive' ? deadLetters.redriveAll(who, query) : deadLetters.dropAll(who, query)))
      },
    )
  }
}
