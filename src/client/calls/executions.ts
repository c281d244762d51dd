import type { Connection } from '../connection.ts'
import type { ExecutionFields, ExecutionRow } from '../resources/executions.ts'
import { nounOf } from './noun.ts'

export function executionsOf(connection: Connection) {
  const {
    list,
    get,
    create,
    delete: remove,
  } = nounOf<ExecutionRow, ExecutionFields>(connection, '/v1/executions', 'executions')
  return {
    list,
    get,
    create,
    delete: remove,
    /** The run when it is over, or as it is after this number of seconds. */
    wait: async (id: string, seconds: number): Promise<ExecutionRow> =>
      (await connection.requestOk('GET', `/v1/executions/${encodeURIComponent(id)}`, { query: { wait: seconds } }))
        .json,
    /** A waiting run does not begin; an active one gets a cancel signal, and is ended if it does not end. */
    cancel: async (id: string): Promise<ExecutionRow> =>
      (await connection.requestOk('POST', `/v1/executions/${encodeURIComponent(id)}/cancel`)).json,
    /** The output so far; null: none yet. */
    log: async (id: string): Promise<string | null> => {
      const { status, text } = await connection.requestOk('GET', `/v1/executions/${encodeURIComponent(id)}/log`)
      return status === 204 ? null : text
    },
  }
}
