import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import type { LoadCheck } from '../../services/functions/load-check.ts'
import type { Ctx } from '../request-context.ts'

/** For /openapi.json: the query parameter of deployments. */
export const checkQuery = z.object({
  check: z.literal('load').optional().openapi({
    description:
      'load: a worker loads the code before anything is changed; 400 with the error and its log when it does not load.',
  }),
})

/** The check that the request wants first. */
export function loadCheckIn(c: Ctx): LoadCheck {
  const said = c.req.query('check')
  if (said === undefined || said === 'load') return said ?? null
  throw invalid(`"check" must be load, not ${JSON.stringify(said)}.`)
}
