import { setTimeout as pause } from 'node:timers/promises'
import type { Build } from '../../domain/functions/build.ts'
import type { DeploymentBuildOptions } from '../../services/functions/running-builds.ts'
import { TextStream } from '../connection/text-stream.ts'
import { type ErrorObservers, lateErrorBody } from '../error-response.ts'
import type { Ctx } from '../request-context.ts'
import { buildJson } from './build-json.ts'
import type { BuildWait } from './build-query.ts'

/** Media type of a response that follows a build, one JSON object per line. */
export const linesType = 'application/x-ndjson'

export const linesDescription = `With "Accept: ${linesType}" a build is followed: from its first output on, the answer is 200 and one line per event: {"build": …}, then {"output": text}, and at the end {"function": …} or {"error": …}. With "Prefer: respond-async" or "async=true" the answer is 202 with the build as soon as one has begun, and it continues: GET /v1/builds/{id} shows its result. A refusal before the build, and a deployment without a build, have their usual answer. When several deployments of one function run at the same time, the one that was accepted last wins.`

interface Deployed {
  status: 200 | 201
  json: object
}

/**
 * The response to a deployment. A caller who accepts lines gets them from the beginning of a build; one who does not wait gets
 * the build; all others wait for the end. A caller who leaves does not end the build.
 */
export async function deploymentAnswer(
  c: Ctx,
  { wait, ...options }: DeploymentBuildOptions & { wait: BuildWait },
  deploy: (build: DeploymentBuildOptions) => Promise<Deployed>,
  told: ErrorObservers,
): Promise<Response> {
  if (c.req.header('Accept')?.includes(linesType)) return answerInLines(c, options, deploy, told)
  if (wait.ms !== null) return answerOrBuild(c, options, { ...wait, ms: wait.ms }, deploy, told)
  const { status, json } = await deploy(options)
  return c.json(json, status)
}

/** The function when there is no build or it ends in time, else the build. */
async function answerOrBuild(
  c: Ctx,
  options: DeploymentBuildOptions,
  { ms, applied }: { ms: number; applied: string | null },
  deploy: (build: DeploymentBuildOptions) => Promise<Deployed>,
  told: ErrorObservers,
): Promise<Response> {
  const begun = Promise.withResolvers<Build>()
  const work = deploy({ ...options, onBegun: begun.resolve })
  const waited = new AbortController()
  const late = begun.promise.then((build) =>
    ms === 0 ? build : pause(ms, build, { signal: waited.signal, ref: false }).catch(() => build),
  )
  const first = await Promise.race([work, late]).finally(() => waited.abort())
  if (applied !== null) c.header('Preference-Applied', applied)
  if ('json' in first) return c.json(first.json, first.status)
  work.catch((error: unknown) => void lateErrorBody(c, error, told))
  return c.json(buildJson(first), 202, { Location: `/v1/builds/${first.id}` })
}

async function answerInLines(
  c: Ctx,
  options: DeploymentBuildOptions,
  deploy: (build: DeploymentBuildOptions) => Promise<Deployed>,
  told: ErrorObservers,
): Promise<Response> {
  const lines = new TextStream((output) => line({ output }))
  const begun = Promise.withResolvers<'begun'>()
  const onBegun = (build: Build) => {
    lines.write(line({ build: buildJson(build) }))
    begun.resolve('begun')
  }
  const work = deploy({ ...options, onBegun, onOutput: (output) => lines.output(output) })
  const first = await Promise.race([work, begun.promise])
  if (first !== 'begun') return c.json(first.json, first.status)
  work.then(
    ({ json }) => lines.end(line({ function: json })),
    (error: unknown) => lines.end(line({ error: lateErrorBody(c, error, told) })),
  )
  return c.body(lines.stream, 200, {
    'Content-Type': linesType,
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  })
}

const line = (value: object): string => `${JSON.stringify(value)}\n`
