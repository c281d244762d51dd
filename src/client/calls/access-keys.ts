import type { Connection } from '../connection.ts'
import type { AccessKeyFields, AccessKeyRow } from '../resources/access-keys.ts'

export function accessKeysOf(connection: Connection) {
  const path = '/v1/access-keys'
  return {
    list: async (): Promise<AccessKeyRow[]> => (await connection.requestOk('GET', path)).json.access_keys,
    /** Only this response contains `secret_access_key`. */
    create: async (fields: AccessKeyFields): Promise<AccessKeyRow & { secret_access_key: string }> =>
      (await connection.requestOk('POST', path, { json: fields })).json,
    delete: async (id: string): Promise<void> => {
      await connection.requestOk('DELETE', `${path}/${encodeURIComponent(id)}`)
    },
  }
}
