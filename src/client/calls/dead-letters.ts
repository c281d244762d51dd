import type { Connection } from '../connection.ts'
import type { ExecutionRow } from '../resources/executions.ts'
import type { ListQuery } from '../resources/row.ts'
import { nounOf } from './noun.ts'

/** Accepted runs that did not succeed and will not be tried again by themselves. */
export function deadLettersOf(connection: Connection) {
  const path = '/v1/dead-letters'
  const noun = nounOf<ExecutionRow, never, { input: string | null }>(connection, path, 'dead_letters')
  const many = async (verb: 'redrive' | 'drop', query: ListQuery): Promise<{ done: number; left: number }> =>
    (await connection.must('POST', `${path}/${verb}`, { query })).json
  return {
    list: noun.list,
    get: noun.get,
    /** Its input from now on. */
    update: noun.update,
    redrive: async (id: string, input?: string): Promise<ExecutionRow> => {
      const asked = input === undefined ? {} : { json: { input } }
      return (await connection.must('POST', `${path}/${encodeURIComponent(id)}/redrive`, asked)).json
    },
    drop: (id: string): Promise<void> => noun.delete(id),
    /** Those that the filters find; at least one is needed. */
    redriveAll: (query: ListQuery) => many('redrive', query),
    dropAll: (query: ListQuery) => many('drop', query),
  }
}
