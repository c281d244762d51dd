import { FaasError } from '../domain/errors.ts'
import type { OpenStackSession } from '../domain/platform/openstack.ts'
import { type EndpointQuery, endpointIn } from './catalog.ts'
import { type Keystone, KeystoneRefusal } from './keystone.ts'
import { ServiceFailure } from './service-request.ts'

/**
 * Where the catalogue of the session has a service, which sentences name so. Throws FaasError: `openstack_failed` (it has none, or
 * Keystone cannot be asked), `unauthenticated`.
 */
export async function endpointOf(
  session: OpenStackSession,
  keystone: Pick<Keystone, 'catalogOf'>,
  wish: EndpointQuery,
  service: string,
): Promise<string> {
  const endpoint = endpointIn(session.catalog ?? (await catalogOf(session, keystone)), wish)
  if (endpoint !== null) return endpoint
  const where = wish.region === undefined ? '' : ` in the region ${wish.region}`
  throw new FaasError(
    'openstack_failed',
    `Keystone's catalogue has no ${wish.interface} endpoint of the type ${wish.type}${where}: is ${service} there?`,
  )
}

async function catalogOf(session: OpenStackSession, keystone: Pick<Keystone, 'catalogOf'>): Promise<string> {
  try {
    return await keystone.catalogOf(session)
  } catch (error) {
    if (error instanceof ServiceFailure) throw new FaasError('openstack_failed', error.message, { cause: error })
    if (error instanceof KeystoneRefusal) throw new FaasError('unauthenticated', 'The token is not valid any more.')
    throw error
  }
}
