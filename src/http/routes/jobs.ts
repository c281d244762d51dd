import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { type Job, secondsPlaces, withSecondsLast } from '../../domain/job.ts'
import { selected } from '../../domain/list.ts'
import type { Jobs } from '../../services/triggers/jobs.ts'
import { readObject } from '../body.ts'
import { type App, endpoint } from '../endpoint.ts'
import { choice, ignored, integer, parseFields, text, uuidParam } from '../fields.ts'
import { listParameters, listQuery } from '../list-query.ts'
import { shownTime } from '../time.ts'

const tag = 'jobs'
const overlaps = ['allow', 'skip', 'queue'] as const
const missedRules = ['skip', 'once', 'all'] as const
/** Longer than any useful pattern. */
const patternLength = 255
const inputLength = 1024 * 1024

const common = {
  name: text(),
  function_input: text(inputLength, 'As the input of an execution.'),
  input: text(inputLength, 'Another word for function_input, as executions have it.'),
  pattern: text(patternLength, 'Cron: five fields, or six with seconds at the end, or @hourly and the like.'),
  seconds: choice(
    secondsPlaces,
    'Which of six fields of the pattern is for seconds; it is kept with the last (default).',
  ),
  timezone: text(64, 'IANA name of the zone that the pattern is read in; default UTC.'),
  overlap: choice(overlaps, 'When a run is due while one before is unfinished: both (default), leave it out, wait.'),
  missed: choice(missedRules, 'Runs that fell into a downtime: none, one for all (default), all up to missed_limit.'),
  missed_limit: integer('From 1 to 1000; default 100. Also how many runs of overlap queue may wait.'),
}

const newJob = z.object({
  ...common,
  function_id: text(255, 'Id or name of the function; name@alias and name:3 say more.'),
  function_version: integer('0, the default: the function as it is when the job runs.'),
  function_alias: text(255, 'Wins over function_id and function_version; looked up when the job runs.'),
  first_execution_time: text(255, 'Any usual date text, read as UTC; at least 60 seconds ahead.'),
  count: integer('Runs to make; absent: without end.'),
  status: ignored(),
})

const jobChange = z.object({
  ...common,
  status: text(),
  next_execution_time: text(255, 'Any usual date text, read as UTC; at least 60 seconds ahead.'),
  function_id: ignored(),
  function_version: ignored(),
  function_alias: ignored(),
  first_execution_time: ignored(),
  count: ignored(),
})

const shown = z
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
      times: z.array(z.string()).openapi({ description: 'At most 100 of a job.' }),
      more: z.boolean().openapi({ description: 'Whether it is due more often.' }),
    }),
  ),
})

export function bindJobs(app: App, jobs: Jobs, settings: { maxBodyBytes: number }, clock: { now(): number }): void {
  const asShown = (job: Job) => ({
    ...shownJob(job),
    next_runs: jobs.times.next(job).map((time) => shownTime(time)),
    left_out: jobs.runs.leftOut(job.id).map(({ atMs, why }) => ({ at: shownTime(atMs), why })),
  })

  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/jobs',
      tag,
      summary: 'Run a function at a time, or by a cron pattern',
      description:
        'With a time alone the job runs once. With both, the first run is the first match from that time on.',
      body: newJob,
      answers: { 201: shown },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const fields = parseFields(newJob, await readObject(c, settings.maxBodyBytes))
      const job = jobs.create(c.get('who'), {
        ...ours(fields),
        functionId: fields.function_id,
        functionVersion: fields.function_version,
        functionAlias: fields.function_alias,
        firstExecutionTime: fields.first_execution_time,
        count: fields.count,
      })
      return c.json(asShown(job), 201)
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
      answers: { 200: z.object({ jobs: z.array(shown) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => {
      const query = listQuery(c, c.get('who'), ['project_id'])
      return c.json({ jobs: selected(jobs.list(query.filter.projectId), query).map(asShown) })
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/jobs/preview',
      tag,
      summary: 'Say a pattern in words, with the next times that it matches',
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
      answers: { 200: shown },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => c.json(asShown(jobs.get(c.get('who'), uuidParam('Job', c.req.param('id'))))),
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
      answers: { 200: shown },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const id = uuidParam('Job', c.req.param('id'))
      const fields = parseFields(jobChange, await readObject(c, settings.maxBodyBytes))
      const change = { ...ours(fields), status: fields.status, nextExecutionTime: fields.next_execution_time }
      return c.json(asShown(await jobs.update(c.get('who'), id, change)))
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

const ours = ({ function_input, input, missed_limit, ...same }: z.output<z.ZodObject<typeof common>>) => ({
  name: same.name,
  pattern: same.pattern === undefined ? undefined : withSecondsLast(same.pattern, same.seconds ?? 'last'),
  timezone: same.timezone,
  overlap: same.overlap,
  missed: same.missed,
  functionInput: oneOf(function_input, input),
  missedLimit: missed_limit,
})

function oneOf(functionInput: string | undefined, input: string | undefined): string | undefined {
  if (functionInput !== undefined && input !== undefined) {
    throw invalid('"input" and "function_input" are the same: send one of them.')
  }
  return functionInput ?? input
}

function shownJob(job: Job): Omit<z.output<typeof shown>, 'next_runs' | 'left_out'> {
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
