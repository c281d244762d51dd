import type { Connection, RequestFields } from '../connection.ts'
import { type DeployedBy, type Deploying, deployed, deployingQuery } from '../deployment.ts'
import type { FunctionChange, FunctionFields, FunctionRow, WorkerRow } from '../resources/functions.ts'
import type { ListQuery } from '../resources/row.ts'
import type { StatsRow } from '../resources/stats.ts'
import { nounOf } from './noun.ts'

export const functionPath = (id: string, version?: number): string =>
  `/v1/functions/${encodeURIComponent(id)}${version === undefined ? '' : `/versions/${version}`}`

export function functionsOf(connection: Connection) {
  const noun = nounOf<FunctionRow, FunctionFields>(connection, '/v1/functions', 'functions')
  const zipped = (zip: Uint8Array): RequestFields => ({ body: zip, headers: { 'content-type': 'application/zip' } })
  /** When the body is the ZIP, fields are query parameters; it is the code, unless an image loads it. */
  const inQuery = ({ code, ...fields }: FunctionFields): NonNullable<RequestFields['query']> =>
    Object.fromEntries(
      Object.entries({ ...fields, ...(code?.source === 'image' && { code }) })
        .filter(([, value]) => value !== null)
        .map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : value]),
    )
  return {
    ...noun,
    list: async (query: ListQuery = {}): Promise<FunctionRow[]> => (await noun.list(query)).map(withCode),
    /** Unfinished jobs of the function continue with the new code. */
    update: async (id: string, change: FunctionChange, { check }: Deploying = {}): Promise<FunctionRow> =>
      (await connection.requestOk('PUT', functionPath(id), { json: change, query: { check, keep_jobs: true } })).json,
    /** From a package: a folder's contents as a ZIP. */
    createFromZip: <How extends Deploying = Record<never, never>>(
      fields: FunctionFields,
      zip: Uint8Array,
      how: How = {} as How,
    ): Promise<DeployedBy<How>> => {
      const query = { ...inQuery(fields), ...deployingQuery(how) }
      return deployed(connection, 'POST', '/v1/functions', { ...zipped(zip), query }, how)
    },
    updateWithZip: <How extends Deploying = Record<never, never>>(
      id: string,
      fields: FunctionFields,
      zip: Uint8Array,
      how: How = {} as How,
    ): Promise<DeployedBy<How>> => {
      const query = { ...inQuery(fields), ...deployingQuery(how), keep_jobs: true }
      return deployed(connection, 'PUT', functionPath(id), { ...zipped(zip), query }, how)
    },
    /** The package as a ZIP. */
    download: async (id: string, version?: number): Promise<Buffer> =>
      (await connection.requestOk('GET', functionPath(id, version), { query: { download: true } })).bytes,
    stats: async (id: string): Promise<StatsRow> =>
      (await connection.requestOk('GET', `${functionPath(id)}/stats`)).json,
    workers: async (id: string, version = 0): Promise<WorkerRow[]> =>
      (await connection.requestOk('GET', `${functionPath(id)}/workers`, { query: { function_version: version } })).json
        .workers,
    /** Binds `count` more workers in the background. */
    scaleUp: async (id: string, count = 1, version?: number): Promise<void> => {
      await connection.requestOk('POST', `${functionPath(id, version)}/scale_up`, { json: { count } })
    },
    scaleDown: async (id: string, count = 1, version?: number): Promise<void> => {
      await connection.requestOk('POST', `${functionPath(id, version)}/scale_down`, { json: { count } })
    },
    /** Removes all workers: the next call is cold. */
    detach: async (id: string, version?: number): Promise<void> => {
      await connection.requestOk('POST', `${functionPath(id, version)}/detach`)
    },
  }
}

/** Lists contain the code as JSON text. */
const withCode = (listed: FunctionRow): FunctionRow => ({
  ...listed,
  code: typeof listed.code === 'string' ? JSON.parse(listed.code) : listed.code,
})
