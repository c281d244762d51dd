import type { Connection } from '../connection.ts'
import type { ExecutionRow } from '../resources/executions.ts'
import type { ListQuery } from '../resources/row.ts'
import { nounOf } from './noun.ts'

/** Accepted runs that did not succeed and are not retried automatically. */
export function deadLettersOf(connection: Connection) {
  const path = '/v1/dead-letters'
  const noun = nounOf<ExecutionRow, never, { input: string | null }>(connection, path, 'dead_letters')
  const many = async (verb: 'redrive' | 'drop', query: ListQuery): Promise<{ done: number; left: number }> =>
    (await connection.requestOk('POST', `${path}/${verb}`, { query })).json
  return {
    list: noun.list,
    get: noun.get,
    /** Replaces its input. */
    update: noun.update,
    redrive: async (id: string, input?: string): Promise<ExecutionRow> => {
      const asked = input === undefined ? {} : { json: { input } }
      return (await connection.requestOk('POST', `${path}/${encodeURIComponent(id)}/redrive`, asked)).json
    },
    drop: (id: string): Promise<void> => noun.delete(id),
    /** Redrives all that the filters match; at least one filter is required. */
    redriveAll: (query: ListQuery) => many('redrive', query),
    dropAll: (query: ListQuery) => many('drop', query),
  }
}
