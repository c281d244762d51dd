import { z } from '@hono/zod-openapi'
import type { CountedFn, Functions } from '../../services/functions/functions.ts'
import type { DeploymentBuildOptions } from '../../services/functions/running-builds.ts'
import { shownBuild } from '../builds/build-json.ts'
import { buildOptionsIn, buildQuery, buildWaitIn } from '../builds/build-query.ts'
import { deploymentAnswer, linesDescription } from '../builds/build-response.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import type { ErrorObservers } from '../error-response.ts'
import { cascadeIn, cascadeQuery, flagIn, keepJobsQuery } from '../functions/cascade.ts'
import { downloadResponse, wantsDownload } from '../functions/download.ts'
import { functionJson, listedFunction, shownFunction } from '../functions/function-json.ts'
import {
  functionChangeBodies,
  newFunctionBodies,
  readFunctionChange,
  readNewFunction,
} from '../functions/function-request.ts'
import type { UploadLimits } from '../functions/function-upload.ts'
import { checkQuery, loadCheckIn } from '../functions/load-check-query.ts'
import { listParameters, listQuery } from '../list-query.ts'

const tag = 'functions'
const path = '/v1/functions/:id'

/** What both ways to send code may answer. */
const codeRefusals = [
  'not_found',
  'conflict',
  'too_large',
  'unsupported_media_type',
  'no_worker',
  'queue_full',
] as const

export function bindFunctions(app: HttpApp, functions: Functions, settings: UploadLimits, told: ErrorObservers): void {
  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/functions',
      tag,
      summary: 'Create a function from a package, a single file or an image',
      description:
        'A ZIP comes as the file "package" of a form, or as the whole body with the fields in the query; a single file comes as {"source": "inline", "filename": …, "content": …} in "code". ' +
        linesDescription,
      query: checkQuery.extend(buildQuery.shape),
      body: newFunctionBodies,
      answers: { 201: shownFunction, 202: shownBuild },
      refusals: ['invalid_request', 'build_failed', ...codeRefusals],
    },
    async (c) => {
      const [check, options] = [loadCheckIn(c), { ...buildOptionsIn(c), wait: buildWaitIn(c) }]
      const given = await readNewFunction(c, settings)
      const deploy = async (build: DeploymentBuildOptions) => {
        const fn = await functions.create(c.get('who'), { ...given, build }, check)
        return { status: 201 as const, json: functionJson(fn) }
      }
      return deploymentAnswer(c, options, deploy, told)
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
      answers: { 200: z.object({ functions: z.array(listedFunction) }) },
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
        'Null and unknown keys are ignored; null resets signature, max_workers, idle_timeout, cpu_max, cors, retries, on_success and on_failure. ' +
        linesDescription,
      query: keepJobsQuery.extend(checkQuery.shape).extend(buildQuery.shape),
      body: functionChangeBodies,
      answers: { 200: shownFunction, 202: shownBuild },
      refusals: ['invalid_request', 'build_failed', 'in_use', ...codeRefusals],
    },
    async (c) => {
      const [keepJobs, check] = [flagIn(c, 'keep_jobs'), loadCheckIn(c)]
      const options = { ...buildOptionsIn(c), wait: buildWaitIn(c) }
      const change = { ...(await readFunctionChange(c, settings)), keepJobs }
      const deploy = async (build: DeploymentBuildOptions) => {
        const fn = await functions.update(c.get('who'), c.req.param('id'), { ...change, build }, check)
        return { status: 200 as const, json: functionJson(fn) }
      }
      return deploymentAnswer(c, options, deploy, told)
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
      await functions.delete(c.get('who'), c.req.param('id'), cascadeIn(c))
      return c.body(null, 204)
    },
  )
}

const asListed = (fn: CountedFn): z.output<typeof listedFunction> => ({
  ...functionJson(fn),
  code: JSON.stringify(fn.code),
})
