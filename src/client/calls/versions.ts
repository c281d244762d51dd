import type { Connection } from '../connection.ts'
import type { ListQuery } from '../resources/row.ts'
import type { VersionRow } from '../resources/versions.ts'
import { functionPath } from './functions.ts'

export function versionsOf(connection: Connection) {
  const path = (id: string): string => `${functionPath(id)}/versions`
  return {
    list: async (functionId: string, query: ListQuery = {}): Promise<VersionRow[]> =>
      (await connection.requestOk('GET', path(functionId), { query })).json.function_versions,
    get: async (functionId: string, version: number): Promise<VersionRow> =>
      (await connection.requestOk('GET', functionPath(functionId, version))).json,
    /** Freezes the current package. */
    create: async (functionId: string, fields: { description?: string } = {}): Promise<VersionRow> =>
      (await connection.requestOk('POST', path(functionId), { json: fields })).json,
    delete: async (functionId: string, version: number): Promise<void> => {
      await connection.requestOk('DELETE', functionPath(functionId, version))
    },
  }
}
