import { z } from '@hono/zod-openapi'
import { type Build, buildStatuses } from '../../domain/build.ts'
import type { Builds } from '../../services/functions/builds.ts'
import { type App, type Ctx, endpoint } from '../endpoint.ts'
import { uuidParam } from '../fields.ts'
import { listParameters, listQuery } from '../list-query.ts'
import { shownTime } from '../time.ts'

const tag = 'builds'

const shown = z
  .object({
    id: z.string(),
    project_id: z.string(),
    function_id: z
      .string()
      .nullable()
      .openapi({ description: 'Of a new function: its id, when the build has worked.' }),
    function_name: z.string().nullable(),
    runtime: z.string().nullable(),
    list: z.string().openapi({ description: 'File of the package that says what it needs.' }),
    status: z.enum(buildStatuses),
    cached: z.boolean().openapi({ description: 'An earlier build had installed the same.' }),
    size: z.int().nullable().openapi({ description: 'Bytes of what was installed.' }),
    error: z.string().nullable(),
    created_at: z.string(),
    ended_at: z.string().nullable(),
  })
  .openapi('Build')

/** What was installed for packages, the newest first. */
export function bindBuilds(app: App, builds: Builds): void {
  const idOf = (c: Ctx) => uuidParam('Build', c.req.param('id') ?? '')

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/builds',
      tag,
      summary: 'List builds, the newest first',
      query: listParameters(['project_id']),
      answers: { 200: z.object({ builds: z.array(shown) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => c.json({ builds: builds.list(listQuery(c, c.get('who'), ['project_id'])).map(asShown) }),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/builds/:id',
      tag,
      summary: 'Show a build',
      answers: { 200: shown },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => c.json(asShown(builds.get(c.get('who'), idOf(c)))),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/builds/:id/log',
      tag,
      summary: 'What a build has printed, so far while it runs',
      answers: { 200: 'text' },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => c.text(builds.log(c.get('who'), idOf(c))),
  )
}

function asShown(build: Build): z.output<typeof shown> {
  return {
    id: build.id,
    project_id: build.projectId,
    function_id: build.functionId,
    function_name: build.functionName,
    runtime: build.runtimeName,
    list: build.list,
    status: build.status,
    cached: build.cached,
    size: build.sizeBytes,
    error: build.error,
    created_at: shownTime(build.createdAt),
    ended_at: shownTime(build.endedAt),
  }
}
