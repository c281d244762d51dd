import { z } from '@hono/zod-openapi'
import type { Builds } from '../../services/functions/builds.ts'
import type { Functions } from '../../services/functions/functions.ts'
import { buildJson, shownBuild } from '../builds/build-json.ts'
import { buildQuery, buildWaitIn } from '../builds/build-query.ts'
import { deploymentAnswer, linesDescription } from '../builds/build-response.ts'
import { TextStream } from '../connection/text-stream.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import type { ErrorObservers } from '../error-response.ts'
import { uuidParam } from '../fields.ts'
import { flagIn } from '../functions/cascade.ts'
import { functionJson, shownFunction } from '../functions/function-json.ts'
import { type Column, listParameters, listQuery } from '../list-query.ts'
import type { Ctx } from '../request-context.ts'

const tag = 'builds'
const columns: readonly Column[] = ['project_id', 'function_id', 'status']

/** Builds of packages, the newest first. */
export function bindBuilds(app: HttpApp, builds: Builds, functions: Functions, told: ErrorObservers): void {
  const idOf = (c: Ctx) => uuidParam('Build', c.req.param('id') ?? '')

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/builds',
      tag,
      summary: 'List builds, the newest first',
      query: listParameters(columns),
      answers: { 200: z.object({ builds: z.array(shownBuild) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => c.json({ builds: builds.list(listQuery(c, c.get('who'), columns)).map(buildJson) }),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/builds/:id',
      tag,
      summary: 'Show a build',
      answers: { 200: shownBuild },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => c.json(buildJson(builds.get(c.get('who'), idOf(c)))),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/builds/:id/log',
      tag,
      summary: 'Show the output of a build, up to now while it runs',
      description:
        'With follow=true also what it prints from now on: the answer ends with the build. What a slow reader has not taken is left out beyond 1 MiB, and said to be.',
      query: z.object({ follow: z.enum(['true', 'false']).optional() }),
      answers: { 200: 'text' },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => {
      const isFollowed = flagIn(c, 'follow')
      const { text, follow } = builds.log(c.get('who'), idOf(c))
      if (!isFollowed || follow === undefined) return c.text(text)
      return c.body(followed(text, follow), 200, {
        'Content-Type': 'text/plain; charset=UTF-8',
        'Cache-Control': 'no-store',
        'X-Accel-Buffering': 'no',
      })
    },
  )

  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/builds/:id/cancel',
      tag,
      summary: 'Cancel a build',
      description:
        'A build that runs or waits ends as failed, and its function stays as it was. A build that is over stays as it is; one that cannot end at once is still running in the answer.',
      answers: { 200: shownBuild },
      refusals: ['invalid_request', 'not_found'],
    },
    async (c) => c.json(buildJson(await builds.cancel(c.get('who'), idOf(c)))),
  )

  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/builds/:id/rebuild',
      tag,
      summary: "Install the dependencies of a build's package again, and deploy it",
      description: `The package is the one of that build, even if other code runs now; unfinished jobs continue with it. ${linesDescription}`,
      query: buildQuery.pick({ async: true }),
      answers: { 200: shownFunction, 202: shownBuild },
      refusals: ['invalid_request', 'build_failed', 'not_found', 'conflict', 'queue_full', 'no_worker'],
    },
    (c) => {
      const build = builds.get(c.get('who'), idOf(c))
      const options = { mode: null, bundle: false, wait: buildWaitIn(c) }
      return deploymentAnswer(
        c,
        options,
        async (how) => ({ status: 200, json: functionJson(await functions.rebuild(c.get('who'), build, how)) }),
        told,
      )
    },
  )
}

function followed(text: string, follow: NonNullable<ReturnType<Builds['log']>['follow']>): ReadableStream<Uint8Array> {
  let stop = (): void => {}
  const live = new TextStream(undefined, () => stop())
  live.write(text)
  stop = follow(
    (more) => live.output(more),
    () => {
      stop()
      live.end()
    },
  )
  return live.stream
}
