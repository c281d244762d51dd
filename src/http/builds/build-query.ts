import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { buildModes } from '../../domain/functions/build.ts'
import type { DeploymentBuildOptions } from '../../services/functions/running-builds.ts'
import { asyncRequestIn } from '../executions/async-request.ts'
import { flagIn } from '../functions/cascade.ts'
import type { Ctx } from '../request-context.ts'

/** For /openapi.json: query parameters of deployments about builds. */
export const buildQuery = z.object({
  build: z.enum(buildModes).optional().openapi({
    description:
      'auto (the default, unless the operator says never): the server installs the dependencies of a package that has a list of them (package.json, requirements.txt, pyproject.toml, uv.lock) and not the modules. always: also when the modules are in the package, or were installed before. never: the package is deployed as it is.',
  }),
  bundle: z.enum(['true', 'false']).optional().openapi({
    description:
      'true: the module of the entry becomes one file with everything that it imports from the package (esbuild).',
  }),
  async: z.enum(['true', 'false']).optional().openapi({
    description:
      'true, or the header "Prefer: respond-async": the answer is 202 with the build as soon as one has begun.',
  }),
})

/** How long a caller waits for a build. */
export interface BuildWait {
  /** Milliseconds after which the response is the build; null: wait until the end. */
  ms: number | null
  /** The applied part of `Prefer`, for the response header. */
  applied: string | null
}

/** `Prefer: wait=N` waits N seconds. */
export function buildWaitIn(c: Ctx): BuildWait {
  if (flagIn(c, 'async')) return { ms: 0, applied: null }
  const asyncRequest = asyncRequestIn({ prefer: c.req.header('Prefer') })
  return { ms: asyncRequest?.waitMs ?? null, applied: asyncRequest?.applied ?? null }
}

export function buildOptionsIn(c: Ctx): DeploymentBuildOptions {
  const said = c.req.query('build')
  const mode = buildModes.find((one) => one === said)
  if (said !== undefined && mode === undefined) {
    throw invalid(`"build" must be one of ${buildModes.join(', ')}, not ${JSON.stringify(said)}.`)
  }
  const bundle = flagIn(c, 'bundle')
  if (bundle && mode === 'never') throw invalid('"bundle" is a build: leave "build=never" out.')
  return { mode: mode ?? null, bundle }
}
