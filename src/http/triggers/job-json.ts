import { z } from '@hono/zod-openapi'
import type { Job } from '../../domain/triggers/job.ts'
import type { Jobs } from '../../services/triggers/jobs.ts'
import { shownTime } from '../time.ts'

export const overlaps = ['allow', 'skip', 'queue'] as const
export const missedRules = ['skip', 'once', 'all'] as const

export const shownJob = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    function_id: z.string().nullable(),
    function_version: z.int(),
    function_alias: z.string().nullable(),
    function_input: z.string().nullable(),
    status: z.enum(['running', 'paused', 'cancelled', 'done']),
    pattern: z.string().nullable(),
    count: z.int().nullable().openapi({ description: 'Runs left; null: without end.' }),
    first_execution_time: z.string().nullable(),
    next_execution_time: z.string().nullable(),
    project_id: z.string(),
    created_at: z.string(),
    updated_at: z.string().nullable(),
    timezone: z.string(),
    overlap: z.enum(overlaps),
    missed: z.enum(missedRules),
    missed_limit: z.int(),
    next_runs: z.array(z.string()).openapi({ description: 'The next three times, by the pattern.' }),
    left_out: z
      .array(
        z.object({
          at: z.string().openapi({ description: 'When the first of them was due.' }),
          why: z.enum(['missed', 'overlap']),
        }),
      )
      .openapi({ description: 'Runs that were left out for good since the server started, the newest first.' }),
  })
  .openapi('Job')

/** With the next runs, and those that were left out. */
export const jobJson = (jobs: Jobs, job: Job): z.output<typeof shownJob> => ({
  ...fieldsOf(job),
  next_runs: jobs.times.next(job).map((time) => shownTime(time)),
  left_out: jobs.runs.leftOut(job.id).map(({ atMs, why }) => ({ at: shownTime(atMs), why })),
})

function fieldsOf(job: Job): Omit<z.output<typeof shownJob>, 'next_runs' | 'left_out'> {
  return {
    id: job.id,
    name: job.name,
    function_id: job.functionId,
    function_version: job.functionVersion ?? 0,
    function_alias: job.functionAlias,
    function_input: job.functionInput,
    status: job.status,
    pattern: job.pattern,
    count: job.count,
    first_execution_time: shownTime(job.firstExecutionTime),
    next_execution_time: shownTime(job.nextExecutionTime),
    project_id: job.projectId,
    created_at: shownTime(job.createdAt),
    updated_at: shownTime(job.updatedAt),
    timezone: job.timezone,
    overlap: job.overlap,
    missed: job.missed,
    missed_limit: job.missedLimit,
  }
}
