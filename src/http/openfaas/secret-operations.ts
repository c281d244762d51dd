import { isUtf8 } from 'node:buffer'
import { invalid } from '../../domain/errors.ts'
import type { Secrets } from '../../services/functions/secrets.ts'
import { namespace } from './deployment.ts'
import { accepted, type GatewayAnswer, type GatewayCall, textIn } from './gateway-call.ts'

/** The project's secrets: names can be listed, values cannot be read. */
export class SecretOperations {
  readonly #secrets: Secrets

  constructor({ secrets }: { secrets: Secrets }) {
    this.#secrets = secrets
  }

  list = ({ who }: GatewayCall): GatewayAnswer => ({
    status: 200,
    json: this.#secrets.list(who).map(({ name }) => ({ name, namespace })),
  })

  create = ({ who, given }: GatewayCall): GatewayAnswer => {
    this.#secrets.create(who, { name: textIn(given, 'name'), value: valueIn(given) })
    return { status: 201 }
  }

  update = ({ who, given }: GatewayCall): GatewayAnswer => {
    this.#secrets.change(who, textIn(given, 'name'), { value: valueIn(given) })
    return accepted
  }

  delete = async ({ who, given }: GatewayCall): Promise<GatewayAnswer> => {
    await this.#secrets.delete(who, textIn(given, 'name'))
    return accepted
  }
}

/** Clients send bytes as base64 beside or instead of the text, which cannot represent binary data. */
function valueIn({ value, rawValue }: Record<string, unknown>): string {
  if (typeof rawValue !== 'string' || rawValue === '') return typeof value === 'string' ? value : ''
  const bytes = Buffer.from(rawValue, 'base64')
  if (isUtf8(bytes)) return bytes.toString('utf8')
  throw invalid(
    'The value is not UTF-8, and secrets are texts here: send it as base64 of its bytes, which the function decodes.',
  )
}
