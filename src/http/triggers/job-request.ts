import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { secondsPlaces, withSecondsLast } from '../../domain/triggers/job.ts'
import { readObject } from '../connection/body.ts'
import { choice, ignored, integer, parseFields, text } from '../fields.ts'
import type { Ctx } from '../request-context.ts'
import { missedRules, overlaps } from './job-json.ts'

/** What a request says about a job. */

/** Longer than any useful pattern. */
const patternLength = 255
const inputLength = 1024 * 1024

const common = {
  name: text(),
  function_input: text(inputLength, 'As "input" of an execution.'),
  input: text(inputLength, 'Another name for function_input, as in executions.'),
  pattern: text(patternLength, 'Cron: five fields, or six with seconds at the end, or @hourly and the like.'),
  seconds: choice(
    secondsPlaces,
    'Which of the six fields of the pattern is for seconds; it is stored with seconds last (default).',
  ),
  timezone: text(64, 'IANA name of the zone that the pattern is read in; default UTC.'),
  overlap: choice(
    overlaps,
    'If a run is due while the previous one is unfinished: run both (default), skip it, or queue it.',
  ),
  missed: choice(missedRules, 'Runs missed during a downtime: none, one for all (default), or all up to missed_limit.'),
  missed_limit: integer('From 1 to 1000; default 100. Also the maximum number of waiting runs with overlap queue.'),
}

export const newJob = z.object({
  ...common,
  function_id: text(255, 'Id or name of the function, with an alias (name@alias) or a version (name:3) if needed.'),
  function_version: integer('0, the default: the function as it is when the job runs.'),
  function_alias: text(255, 'Replaces function_id and function_version; resolved when the job runs.'),
  first_execution_time: text(255, 'A date and time in any common format, in UTC; at least 60 seconds ahead.'),
  count: integer('Number of runs; absent: unlimited.'),
  status: ignored(),
})

export const jobChange = z.object({
  ...common,
  status: text(),
  next_execution_time: text(255, 'A date and time in any common format, in UTC; at least 60 seconds ahead.'),
  function_id: ignored(),
  function_version: ignored(),
  function_alias: ignored(),
  first_execution_time: ignored(),
  count: ignored(),
})

export async function readNewJob(c: Ctx, maxBodyBytes: number) {
  const fields = parseFields(newJob, await readObject(c, maxBodyBytes))
  return {
    ...ours(fields),
    functionId: fields.function_id,
    functionVersion: fields.function_version,
    functionAlias: fields.function_alias,
    firstExecutionTime: fields.first_execution_time,
    count: fields.count,
  }
}

export async function readJobChange(c: Ctx, maxBodyBytes: number) {
  const fields = parseFields(jobChange, await readObject(c, maxBodyBytes))
  return { ...ours(fields), status: fields.status, nextExecutionTime: fields.next_execution_time }
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
