import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { selectRows } from '../../domain/list.ts'
import { secondsPlaces, withSecondsLast } from '../../domain/triggers/job.ts'
import type { Jobs } from '../../services/triggers/jobs.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { uuidParam } from '../fields.ts'
import { listParameters, listQuery } from '../list-query.ts'
import { shownTime } from '../time.ts'
import { jobJson, shownJob } from '../triggers/job-json.ts'
import { jobChange, newJob, readJobChange, readNewJob } from '../triggers/job-request.ts'

const tag = 'jobs'
const dayMs = 86_400_000

const preview = z.object({
  pattern: z.string().openapi({ description: 'Required.' }),
  timezone: z.string().optional().openapi({ description: 'Default: UTC.' }),
  seconds: z.enum(secondsPlaces).optional().openapi({ description: 'As of a job.' }),
})
const shownPreview = z.object({
  words: z.string().openapi({ description: 'For example "at 09:00, on Monday to Friday".' }),
  next_runs: z.array(z.string()),
})

const calendar = z.object({
  from: z.string(),
  until: z.string(),
  jobs: z.array(
    z.object({
      id: z.string(),
      name: z.string().nullable(),
      times: z.array(z.string()).openapi({ description: 'At most 100 per job.' }),
      more: z.boolean().openapi({ description: 'Whether it is due more often.' }),
    }),
  ),
})

export function bindJobs(app: HttpApp, jobs: Jobs, settings: { maxBodyBytes: number }, clock: { now(): number }): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/jobs',
      tag,
      summary: 'Create a job: run a function at a given time, or by a cron pattern',
      description:
        'With a time alone the job runs once. With both, the first run is the first match from that time on.',
      body: newJob,
      answers: { 201: shownJob },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const given = await readNewJob(c, settings.maxBodyBytes)
      return c.json(jobJson(jobs, jobs.create(c.get('who'), given)), 201)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/jobs',
      tag,
      summary: 'List jobs, oldest first',
      query: listParameters(['project_id']),
      answers: { 200: z.object({ jobs: z.array(shownJob) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => {
      const query = listQuery(c, c.get('who'), ['project_id'])
      return c.json({ jobs: selectRows(jobs.list(query.filter.projectId), query).map((job) => jobJson(jobs, job)) })
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/jobs/preview',
      tag,
      summary: 'Explain a cron pattern in words, with its next times',
      query: preview,
      answers: { 200: shownPreview },
      refusals: ['invalid_request'],
    },
    (c) => {
      const { pattern = '', timezone = 'UTC', seconds = 'last' } = c.req.query()
      if (seconds !== 'last' && seconds !== 'first') throw invalid('"seconds" must be last or first.')
      const { words, times } = jobs.times.preview(withSecondsLast(pattern, seconds), timezone)
      return c.json({ words, next_runs: times.map((time) => shownTime(time)) })
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/jobs/calendar',
      tag,
      summary: 'Show when running jobs are due within the coming day',
      query: listParameters(['project_id']).pick({ project_id: true, all_projects: true }),
      answers: { 200: calendar },
      refusals: ['invalid_request', 'forbidden'],
    },
    async (c) => {
      const { filter } = listQuery(c, c.get('who'), ['project_id'])
      const now = clock.now()
      const rows = await jobs.times.calendar(filter.projectId, now + dayMs)
      return c.json({
        from: shownTime(now),
        until: shownTime(now + dayMs),
        jobs: rows.map(({ job: { id, name }, times, hasMore }) => ({
          ...{ id, name, more: hasMore },
          times: times.map((time) => shownTime(time)),
        })),
      })
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/jobs/:id',
      tag,
      summary: 'Show a job',
      answers: { 200: shownJob },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => c.json(jobJson(jobs, jobs.get(c.get('who'), uuidParam('Job', c.req.param('id'))))),
  )

  endpoint(
    app,
    {
      method: 'put',
      path: '/v1/jobs/:id',
      tag,
      summary: 'Change, pause, resume or cancel a job',
      description:
        'Resuming a repeated job computes its next time from now. A pattern alone leaves the next time as it is; ' +
        'another time zone computes it anew.',
      body: jobChange,
      answers: { 200: shownJob },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const id = uuidParam('Job', c.req.param('id'))
      const change = await readJobChange(c, settings.maxBodyBytes)
      return c.json(jobJson(jobs, await jobs.update(c.get('who'), id, change)))
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path: '/v1/jobs/:id',
      tag,
      summary: 'Delete a job; its executions stay',
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'not_found'],
    },
    async (c) => {
      await jobs.delete(c.get('who'), uuidParam('Job', c.req.param('id')))
      return c.body(null, 204)
    },
  )
}
