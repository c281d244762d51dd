import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import type { AuditEntry } from '../../domain/platform/audit.ts'
import type { AuditLog } from '../../services/platform/audit-log.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { listParameters, pageQuery } from '../list-query.ts'
import { shownTime } from '../time.ts'

const usualLimit = 100
const mostLimit = 1000

const shown = z
  .object({
    id: z.string(),
    at: z.string(),
    who: z.object({
      kind: z.enum(['token', 'user', 'function', 'open']),
      id: z.string().nullable(),
      name: z.string().nullable(),
    }),
    project_id: z.string(),
    action: z.string(),
    method: z.string(),
    path: z.string(),
    subject_id: z.string().nullable().openapi({ description: 'What was created or changed, if the answer names it.' }),
    subject_name: z.string().nullable(),
    status: z.int(),
    address: z.string().nullable().openapi({ description: 'From where.' }),
  })
  .openapi('AuditEntry')

export function bindAudit(app: HttpApp, audit: AuditLog): void {
  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/audit',
      tag: 'audit',
      summary: 'List changes and who made them, the newest first (admin)',
      description: `Every change through the API, without the bodies. At most ${mostLimit} entries per answer; without "limit", ${usualLimit}.`,
      query: listParameters([]),
      answers: { 200: z.object({ audit: z.array(shown) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => {
      const { limit, marker } = pageQuery(c)
      if (limit !== null && limit > mostLimit) throw invalid(`"limit" is ${limit}: at most ${mostLimit} are answered.`)
      return c.json({ audit: audit.list(c.get('who'), limit ?? usualLimit, marker).map(asShown) })
    },
  )
}

function asShown(entry: AuditEntry): z.output<typeof shown> {
  return {
    id: entry.id,
    at: shownTime(entry.at),
    who: { kind: entry.whoKind, id: entry.whoId, name: entry.whoName },
    project_id: entry.projectId,
    action: entry.action,
    method: entry.method,
    path: entry.path,
    subject_id: entry.subjectId,
    subject_name: entry.subjectName,
    status: entry.status,
    address: entry.address,
  }
}
