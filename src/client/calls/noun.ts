import type { Connection } from '../connection.ts'
import type { ListQuery } from '../resources/row.ts'

/** The operations of every noun. */
export function nounOf<Shown, New, Change = New>(connection: Connection, path: string, list: string) {
  const at = (id: string): string => `${path}/${encodeURIComponent(id)}`
  return {
    list: async (query: ListQuery = {}): Promise<Shown[]> =>
      (await connection.requestOk('GET', path, { query })).json[list],
    get: async (id: string): Promise<Shown> => (await connection.requestOk('GET', at(id))).json,
    create: async (fields: New): Promise<Shown> => (await connection.requestOk('POST', path, { json: fields })).json,
    update: async (id: string, change: Change): Promise<Shown> =>
      (await connection.requestOk('PUT', at(id), { json: change })).json,
    /** `cascade`: deletes dependent objects too. */
    delete: async (id: string, query: { cascade?: boolean } = {}): Promise<void> => {
      await connection.requestOk('DELETE', at(id), { query })
    },
  }
}
