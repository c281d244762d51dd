import type { Connection } from '../connection.ts'
import type { TokenFields, TokenRow } from '../resources/tokens.ts'
import { nounOf } from './noun.ts'

export function tokensOf(connection: Connection) {
  const noun = nounOf<TokenRow, TokenFields>(connection, '/v1/tokens', 'tokens')
  return {
    list: noun.list,
    delete: noun.delete,
    /** Only this response contains `token`. */
    create: async (fields: TokenFields): Promise<TokenRow & { token: string }> =>
      (await connection.requestOk('POST', '/v1/tokens', { json: fields })).json,
    /** Like `create`, replacing a token that stays valid for `grace` seconds. */
    rotate: async (
      id: string,
      fields: { grace?: number; expires_in?: number },
    ): Promise<TokenRow & { token: string }> =>
      (await connection.requestOk('POST', `/v1/tokens/${encodeURIComponent(id)}/rotate`, { json: fields })).json,
  }
}
