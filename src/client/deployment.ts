import { createInterface } from 'node:readline'
import { textOf } from './calls/answer-text.ts'
import type { Connection, RequestFields } from './connection.ts'
import { ApiError, errorOf } from './problems.ts'
import type { BuildRow } from './resources/builds.ts'
import type { FunctionRow } from './resources/functions.ts'

/** Options of a deployment. */
export interface Deploying {
  /** Loads the code before anything is changed; a failure is an error with the log. */
  check?: 'load'
  /** Whether the server installs dependencies; absent: when the package has a list of them but not the modules. */
  build?: 'auto' | 'always' | 'never'
  /** Leaves out installed modules: the server installs them. */
  withoutModules?: boolean
  /** Bundles the entry with its imports into one file. */
  bundle?: boolean
  /** Does not wait for a build, which continues. */
  async?: boolean
  onBuild?: (build: BuildRow) => void
  /** Receives the output of a build as it is printed. */
  onOutput?: (text: string) => void
}

/** Null when a build is not awaited. */
export type DeployedBy<How extends Deploying> = How extends { async: false } | { async?: never }
  ? FunctionRow
  : FunctionRow | null

const linesType = 'application/x-ndjson'

/** As query parameters. */
export const deployingQuery = ({ check, build, bundle, async }: Deploying): NonNullable<RequestFields['query']> => ({
  check,
  build,
  bundle: bundle === true ? true : undefined,
  async: async === true ? true : undefined,
})

/** The function after the deployment. Throws ApiError, also when an awaited build fails. */
export async function deployed<How extends Deploying>(
  connection: Connection,
  method: string,
  path: string,
  asked: RequestFields,
  { onOutput, onBuild, async }: How,
): Promise<DeployedBy<How>> {
  if (onOutput === undefined || async === true) {
    const { status, json } = await connection.requestOk(method, path, asked)
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
    if (error !== undefined) throw withoutLines(errorOf(400, JSON.stringify(error)))
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
    `The connection to the server ended during the build: "taibai builds show ${id}" shows the result.`,
  )
}

/** The lines that the reader has just seen come once. */
function withoutLines({ status, code, message }: ApiError): ApiError {
  return new ApiError(status, code, message.replace(/\nIts last lines:\n.*(?=\nIts whole output: )/s, ''))
}
