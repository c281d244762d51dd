import type { Connection } from '../connection.ts'
import type { TokenFields, TokenRow } from '../resources/tokens.ts'
import { nounOf } from './noun.ts'

export function tokensOf(connection: Connection) {
  const noun = nounOf<TokenRow, TokenFields>(connection, '/v1/tokens', 'tokens')
  return {
    list: noun.list,
    delete: noun.delete,
    /** `token` is in this answer and nowhere else. */
    create: async (fields: TokenFields): Promise<TokenRow & { token: string }> =>
      (await connection.must('POST', '/v1/tokens', { json: fields })).json,
    /** As `create`, in the place of one that is good for `grace` seconds yet. */
    rotate: async (
      id: string,
      fields: { grace?: number; expires_in?: number },
    ): Promise<TokenRow & { token: string }> =>
      (await connection.must('POST', `/v1/tokens/${encodeURIComponent(id)}/rotate`, { json: fields })).json,
  }
}
