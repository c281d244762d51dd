import { z } from '@hono/zod-openapi'
import { type Build, buildStatuses } from '../../domain/functions/build.ts'
import { shownTime } from '../time.ts'

export const shownBuild = z
  .object({
    id: z.string(),
    project_id: z.string(),
    function_id: z.string().nullable().openapi({ description: 'For a new function: null until it is created.' }),
    function_name: z.string().nullable(),
    runtime: z.string().nullable(),
    list: z.string().openapi({ description: 'File of the package that lists its dependencies.' }),
    status: z.enum(buildStatuses).openapi({
      description:
        'success: its function runs what it made; superseded: a deployment that was accepted later ended first; interrupted: the server stopped meanwhile.',
    }),
    cached: z.boolean().openapi({ description: 'An earlier build had installed the same.' }),
    bundle: z.boolean(),
    size: z.int().nullable().openapi({ description: 'Bytes of what was installed.' }),
    error: z.string().nullable(),
    created_at: z.string(),
    ended_at: z.string().nullable(),
  })
  .openapi('Build')

export function buildJson(build: Build): z.output<typeof shownBuild> {
  return {
    id: build.id,
    project_id: build.projectId,
    function_id: build.functionId,
    function_name: build.functionName,
    runtime: build.runtimeName,
    list: build.list,
    status: build.status,
    cached: build.cached,
    bundle: build.bundle,
    size: build.sizeBytes,
    error: build.error,
    created_at: shownTime(build.createdAt),
    ended_at: shownTime(build.endedAt),
  }
}
