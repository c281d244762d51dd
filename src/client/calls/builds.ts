import type { Connection } from '../connection.ts'
import { type Deploying, deployed } from '../deployment.ts'
import { errorOf } from '../problems.ts'
import type { BuildRow } from '../resources/builds.ts'
import type { FunctionRow } from '../resources/functions.ts'
import { textOf } from './answer-text.ts'
import { nounOf } from './noun.ts'

/** Builds of packages, the newest first. */
export function buildsOf(connection: Connection) {
  const { list, get } = nounOf<BuildRow, never>(connection, '/v1/builds', 'builds')
  const at = (id: string): string => `/v1/builds/${encodeURIComponent(id)}`
  return {
    list,
    get,
    /** The output so far. */
    log: async (id: string): Promise<string> => (await connection.requestOk('GET', `${at(id)}/log`)).text,
    /** The output so far and all later output. */
    followLog: async function* (id: string, signal?: AbortSignal): AsyncGenerator<string> {
      const asked = { query: { follow: true }, ...(signal && { signal }) }
      const answer = await connection.open('GET', `${at(id)}/log`, asked)
      if (answer.statusCode !== 200) throw errorOf(answer.statusCode ?? 0, await textOf(answer))
      yield* answer.setEncoding('utf8')
    },
    cancel: async (id: string): Promise<BuildRow> => (await connection.requestOk('POST', `${at(id)}/cancel`)).json,
    /** Installs the package's dependencies again and deploys it; null: the build is not awaited. */
    rebuild: (id: string, how: Deploying = {}): Promise<FunctionRow | null> =>
      deployed(connection, 'POST', `${at(id)}/rebuild`, { query: { async: how.async } }, how),
  }
}
