import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { toBoolean } from '../fields.ts'
import type { Ctx } from '../request-context.ts'

/** For /openapi.json: the query parameter of deletes. */
export const cascadeQuery = z.object({
  cascade: z.string().optional().openapi({ description: 'true: what refers to it is removed with it.' }),
})

/** For /openapi.json: the query parameter of function updates. */
export const keepJobsQuery = z.object({
  keep_jobs: z.string().optional().openapi({ description: 'true: its unfinished jobs continue with the new code.' }),
})

/** Whether dependent objects are deleted too. */
export const cascadeIn = (c: Ctx): boolean => flagIn(c, 'cascade')

/** Values other than yes or no are refused: the effect would be larger or smaller than intended. */
export function flagIn(c: Ctx, parameter: 'cascade' | 'keep_jobs' | 'bundle' | 'async' | 'follow'): boolean {
  const said = c.req.query(parameter)
  if (said === undefined) return false
  try {
    return toBoolean(said)
  } catch {
    throw invalid(`"${parameter}" must be true or false, not ${JSON.stringify(said)}.`)
  }
}
