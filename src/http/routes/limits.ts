import { z } from '@hono/zod-openapi'
import { type LimitName, limitFacts, limitNames, type ProjectLimits } from '../../domain/platform/limits.ts'
import type { LimitsOfProjects, ProjectSummary, ShownLimit } from '../../services/runs/project-limits.ts'
import { readObject } from '../connection/body.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { nullable, number, parseFields } from '../fields.ts'

const tag = 'limits'

const change = z.object(
  Object.fromEntries(
    limitNames.map((name) => [name, nullable(number(`${limitFacts[name]}; null: no limit.`))]),
  ) as Record<LimitName, ReturnType<typeof nullable<number>>>,
)

const shown = z
  .object({
    project_id: z.string(),
    timeout_max: z.int().openapi({ description: "Maximum of a function's timeout on this server, in seconds." }),
    limits: z.array(
      z.object({
        name: z.enum(limitNames as [LimitName]),
        about: z.string(),
        value: z.number().nullable().openapi({ description: 'Null: only the limits of the server apply.' }),
        used: z.number().nullable(),
        own: z.boolean().openapi({ description: 'False: it is the default of all projects.' }),
      }),
    ),
  })
  .openapi('Limits')

const shownProject = z
  .object({
    id: z.string(),
    functions: z.int(),
    jobs: z.int().openapi({ description: 'Number of those that are not finished.' }),
    webhooks: z.int(),
    tokens: z.int(),
    running: z.int().openapi({ description: 'Calls at work.' }),
    queued_runs: z.int(),
    worker_memory_mb: z.int(),
    own_limits: z.boolean().openapi({ description: 'Whether admins have set limits of its own.' }),
  })
  .openapi('Project')

export function bindLimits(
  app: HttpApp,
  limits: LimitsOfProjects,
  settings: { maxBodyBytes: number; timeoutMaxSeconds: number },
): void {
  const asShown = (projectId: string, rows: ShownLimit[]): z.output<typeof shown> => ({
    project_id: projectId,
    timeout_max: settings.timeoutMaxSeconds,
    limits: rows.map(({ isOwn, ...same }) => ({ ...same, own: isOwn })),
  })

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/limits',
      tag,
      summary: "Show the limits of the caller's own project and their current use",
      answers: { 200: shown },
    },
    async (c) => {
      const who = c.get('who')
      return c.json(asShown(who.projectId, await limits.show(who, who.projectId)))
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/projects',
      tag,
      summary: "List projects with their current use; without the admin role, only the caller's own",
      answers: { 200: z.object({ projects: z.array(shownProject) }) },
    },
    (c) => c.json({ projects: limits.list(c.get('who')).map(projectJson) }),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/projects/:id/limits',
      tag,
      summary: 'Show the limits of a project and their current use',
      answers: { 200: shown },
      refusals: ['not_found'],
    },
    async (c) => {
      const projectId = c.req.param('id')
      return c.json(asShown(projectId, await limits.show(c.get('who'), projectId)))
    },
  )

  endpoint(
    app,
    {
      method: 'put',
      path: '/v1/projects/:id/limits',
      tag,
      scope: 'admin',
      summary: 'Set the limits of a project (admin)',
      description: 'The body replaces what was set: a limit that it does not name returns to the default.',
      body: change,
      answers: { 200: shown },
      refusals: ['invalid_request', 'forbidden', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const projectId = c.req.param('id')
      const given = parseFields(change, await readObject(c, settings.maxBodyBytes)) as Partial<ProjectLimits>
      return c.json(asShown(projectId, await limits.set(c.get('who'), projectId, given)))
    },
  )
}

function projectJson(project: ProjectSummary): z.output<typeof shownProject> {
  const { queuedRuns, workerMemoryMb, hasOwnLimits, ...same } = project
  return { ...same, queued_runs: queuedRuns, worker_memory_mb: workerMemoryMb, own_limits: hasOwnLimits }
}
