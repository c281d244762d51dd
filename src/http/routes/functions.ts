import { z } from '@hono/zod-openapi'
import { recordings } from '../../domain/function.ts'
import { signatureNames } from '../../domain/signature.ts'
import type { BuildAsked } from '../../services/functions/builds.ts'
import type { CountedFn, Functions } from '../../services/functions/functions.ts'
import { deploymentAnswer, linesDescription } from '../build-answer.ts'
import { askedBuild, buildQuery } from '../build-query.ts'
import { cascadeQuery, keepJobsQuery, wants, wantsCascade } from '../cascade.ts'
import { checkQuery, wantedCheck } from '../check.ts'
import { downloadResponse, wantsDownload } from '../download.ts'
import { type App, endpoint } from '../endpoint.ts'
import type { Told } from '../error-response.ts'
import {
  type BodyLimits,
  functionChangeBodies,
  newFunctionBodies,
  readFunctionChange,
  readNewFunction,
} from '../function-request.ts'
import { listParameters, listQuery } from '../list-query.ts'
import { retriesJson, shownDestination, shownRetries } from '../terms-fields.ts'
import { shownTime } from '../time.ts'

const tag = 'functions'
const path = '/v1/functions/:id'

const fields = {
  id: z.string(),
  name: z.string().nullable(),
  description: z.string().nullable(),
  runtime_id: z.string().nullable(),
  code: z.looseObject({ source: z.enum(['package', 'swift', 'image']) }),
  entry: z.string().nullable(),
  cpu: z.int(),
  memory_size: z.int(),
  timeout: z.int(),
  count: z.int(),
  latest_version: z.int(),
  project_id: z.string(),
  created_at: z.string(),
  updated_at: z.string().nullable(),
  signature: z.enum(signatureNames).nullable(),
  env: z.record(z.string(), z.string()),
  secrets: z.array(z.object({ name: z.string(), as: z.enum(['env', 'file']), to: z.string() })),
  max_running: z.int().nullable(),
  max_rate: z.number().nullable(),
  record: z.enum(recordings),
  concurrency: z.int(),
  min_workers: z.int(),
  max_workers: z.int().nullable(),
  idle_timeout: z.int().nullable(),
  network: z.enum(['egress', 'none']),
  api: z.boolean(),
  cpu_max: z.int().nullable(),
  access: z.enum(['token', 'public']),
  cors: z
    .object({
      origins: z.array(z.string()),
      methods: z.array(z.string()).nullable(),
      headers: z.array(z.string()).nullable(),
      credentials: z.boolean(),
    })
    .nullable(),
  hosts: z.array(z.string()),
  writable: z.array(z.string()),
  tmp_size: z.int().nullable(),
  retries: shownRetries.nullable(),
  on_success: shownDestination.nullable(),
  on_failure: shownDestination.nullable(),
}
export const shownFunction = z.object(fields).openapi('Function')
const listed = z
  .object({ ...fields, code: z.string().openapi({ description: 'JSON text.' }) })
  .openapi('ListedFunction')

export function bindFunctions(app: App, functions: Functions, settings: BodyLimits, told: Told): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/functions',
      tag,
      summary: 'Make a function from a package, a single file or an image',
      description:
        'A ZIP comes as the file "package" of a form, or as the whole body with the fields in the query; a single file comes as {"source": "inline", "filename": …, "content": …} in "code". ' +
        linesDescription,
      query: checkQuery.extend(buildQuery.shape),
      body: newFunctionBodies,
      answers: { 201: shownFunction },
      refusals: [
        'invalid_request',
        'build_failed',
        'not_found',
        'conflict',
        'too_large',
        'unsupported_media_type',
        'no_worker',
      ],
    },
    async (c) => {
      const [check, asked] = [wantedCheck(c), askedBuild(c)]
      const given = await readNewFunction(c, settings)
      const deploy = async (build: BuildAsked) => {
        const fn = await functions.create(c.get('who'), { ...given, build }, check)
        return { status: 201 as const, json: functionJson(fn) }
      }
      return deploymentAnswer(c, asked, deploy, told)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/functions',
      tag,
      summary: 'List functions; "code" is JSON text here',
      query: listParameters(['project_id']),
      answers: { 200: z.object({ functions: z.array(listed) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => c.json({ functions: functions.list(listQuery(c, c.get('who'), ['project_id'])).map(asListed) }),
  )

  endpoint(
    app,
    {
      method: 'get',
      path,
      onlyFunction: 'path',
      tag,
      summary: 'Show a function by id or name; with download=true, its package',
      query: z.object({ download: z.string().optional() }),
      answers: { 200: shownFunction },
      refusals: ['not_found', 'method_not_allowed'],
    },
    async (c) => {
      const nameOrId = c.req.param('id')
      if (wantsDownload(c)) return downloadResponse(c, await functions.download(c.get('who'), nameOrId))
      return c.json(functionJson(functions.get(c.get('who'), nameOrId)))
    },
  )

  endpoint(
    app,
    {
      method: 'put',
      path,
      onlyFunction: 'path',
      tag,
      summary: 'Change a function',
      description:
        'Null and unknown keys are ignored; null takes back signature, max_workers, idle_timeout, cpu_max, cors, retries, on_success and on_failure. ' +
        linesDescription,
      query: keepJobsQuery.extend(checkQuery.shape).extend(buildQuery.shape),
      body: functionChangeBodies,
      answers: { 200: shownFunction },
      refusals: [
        'invalid_request',
        'build_failed',
        'in_use',
        'not_found',
        'conflict',
        'too_large',
        'unsupported_media_type',
        'no_worker',
      ],
    },
    async (c) => {
      const [keepJobs, check, asked] = [wants(c, 'keep_jobs'), wantedCheck(c), askedBuild(c)]
      const change = { ...(await readFunctionChange(c, settings)), keepJobs }
      const deploy = async (build: BuildAsked) => {
        const fn = await functions.update(c.get('who'), c.req.param('id'), { ...change, build }, check)
        return { status: 200 as const, json: functionJson(fn) }
      }
      return deploymentAnswer(c, asked, deploy, told)
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path,
      onlyFunction: 'path',
      tag,
      summary: 'Remove a function with its versions and workers; its executions stay',
      query: cascadeQuery,
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'forbidden', 'in_use', 'not_found'],
    },
    async (c) => {
      await functions.delete(c.get('who'), c.req.param('id'), wantsCascade(c))
      return c.body(null, 204)
    },
  )
}

const asListed = (fn: CountedFn): z.output<typeof listed> => ({ ...functionJson(fn), code: JSON.stringify(fn.code) })

export function functionJson(fn: CountedFn): z.output<typeof shownFunction> {
  return {
    id: fn.id,
    name: fn.name,
    description: fn.description,
    runtime_id: fn.runtimeId,
    code: fn.code,
    entry: fn.entry,
    cpu: fn.cpuMillicpu,
    memory_size: fn.memoryBytes,
    timeout: fn.timeoutSeconds,
    count: fn.count,
    latest_version: fn.latestVersion,
    project_id: fn.projectId,
    created_at: shownTime(fn.createdAt),
    updated_at: shownTime(fn.updatedAt),
    signature: fn.signature,
    env: fn.env,
    secrets: fn.secrets,
    max_running: fn.maxRunning,
    max_rate: fn.maxRate,
    record: fn.record,
    concurrency: fn.concurrency,
    min_workers: fn.minWorkers,
    max_workers: fn.maxWorkers,
    idle_timeout: fn.idleTimeoutSeconds,
    network: fn.network,
    api: fn.api,
    cpu_max: fn.cpuMaxMillicpu,
    access: fn.access,
    cors: fn.cors,
    hosts: fn.hosts,
    writable: fn.writable,
    tmp_size: fn.tmpSizeBytes,
    retries: retriesJson(fn.retries),
    on_success: fn.onSuccess,
    on_failure: fn.onFailure,
  }
}
