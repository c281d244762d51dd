import { createInterface } from 'node:readline'
import { textOf } from './calls/answer-text.ts'
import type { Asked, Connection } from './connection.ts'
import { ApiError, errorOf } from './problems.ts'
import type { BuildRow } from './resources/builds.ts'
import type { FunctionRow } from './resources/functions.ts'

/** How a package is deployed. */
export interface Deploying {
  /** The code is loaded before anything is changed; refused with the error and its log when it does not load. */
  check?: 'load'
  /** Whether what it needs is installed on the server; absent: when it brings a list of it and not the modules. */
  build?: 'auto' | 'always' | 'never'
  /** Modules that lie in the folder stay here: the server installs them. */
  withoutModules?: boolean
  /** The module of the entry becomes one file with all that it imports of the package. */
  bundle?: boolean
  /** Nobody waits for a build: who deploys is told of it, and it goes on. */
  async?: boolean
  onBuild?: (build: BuildRow) => void
  /** Told what a build prints, as it prints it. */
  onOutput?: (text: string) => void
}

/** Null where nobody waits for a build. */
export type DeployedBy<How extends Deploying> = How extends { async: false } | { async?: never }
  ? FunctionRow
  : FunctionRow | null

const linesType = 'application/x-ndjson'

/** As parameters of the query. */
export const deployingQuery = ({ check, build, bundle, async }: Deploying): NonNullable<Asked['query']> => ({
  check,
  build,
  bundle: bundle === true ? true : undefined,
  async: async === true ? true : undefined,
})

/** The function as it is then. Throws ApiError, also when a build that is followed fails. */
export async function deployed<How extends Deploying>(
  connection: Connection,
  method: string,
  path: string,
  asked: Asked,
  { onOutput, onBuild, async }: How,
): Promise<DeployedBy<How>> {
  if (onOutput === undefined || async === true) {
    const { status, json } = await connection.must(method, path, asked)
    if (status !== 202) return json
    onBuild?.(json)
    return null as DeployedBy<How>
  }
  const answer = await connection.open(method, path, { ...asked, headers: { ...asked.headers, accept: linesType } })
  if (!answer.headers['content-type']?.startsWith(linesType)) {
    const text = await textOf(answer)
    if ((answer.statusCode ?? 0) >= 300) throw errorOf(answer.statusCode ?? 0, text)
    return JSON.parse(text)
  }
  let id = ''
  for await (const line of createInterface({ input: answer })) {
    const { build, output, function: fn, error } = JSON.parse(line)
    if (error !== undefined) throw errorOf(400, JSON.stringify(error))
    if (fn !== undefined) return fn
    if (output !== undefined) onOutput(output)
    if (build !== undefined) {
      id = build.id
      onBuild?.(build)
    }
  }
  throw new ApiError(
    502,
    undefined,
    `The server broke off while it built: taibai builds show ${id} tells how that went.`,
  )
}
