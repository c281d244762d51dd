import { z } from '@hono/zod-openapi'
import { invalid } from '../domain/errors.ts'
import type { Ctx } from './endpoint.ts'
import { toBoolean } from './fields.ts'

/** For /openapi.json: the parameter of deletes. */
export const cascadeQuery = z.object({
  cascade: z.string().optional().openapi({ description: 'true: what holds the thing goes with it.' }),
})

/** Whether what holds the thing goes with it. Anything but a yes or a no is refused: it would delete too much or too little. */
export function wantsCascade(c: Ctx): boolean {
  const said = c.req.query('cascade')
  if (said === undefined) return false
  try {
    return toBoolean(said)
  } catch {
    throw invalid(`"cascade" must be true or false, not ${JSON.stringify(said)}.`)
  }
}
