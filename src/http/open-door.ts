import type { IncomingMessage } from 'node:http'
import { hostNameInside } from '../domain/api-access.ts'
import { FaasError } from '../domain/errors.ts'
import { type Door, hostName, isFromElsewhere, isOurHost } from './same-site.ts'
import type { HttpSettings } from './settings.ts'

/** What open mode asks of a request, because it asks for no token. */

export function doorOf({ host, publicUrl, corsOrigins }: HttpSettings): Door {
  const names = [hostName(host), hostNameInside, publicUrl === undefined ? null : hostName(new URL(publicUrl).host)]
  return { hosts: names.filter((name) => name !== null), origins: corsOrigins }
}

/** Throws FaasError `forbidden` for a host that is not ours. */
export function refuseOtherHosts(incoming: IncomingMessage, door: Door): void {
  if (isOurHost(incoming.headers.host, door)) return
  throw new FaasError(
    'forbidden',
    `In open mode the server can only be called by its address, not by the Host ${JSON.stringify(incoming.headers.host)}: ` +
      'use that, or name the host in TAIBAI_PUBLIC_URL.',
  )
}

/** Throws FaasError `forbidden` for what a browser marks as a request of another site; `onlyReads`: links may lead here. */
export function refuseElsewhere({ headers, method = '' }: IncomingMessage, door: Door, onlyReads: boolean): void {
  const site = headers['sec-fetch-site'] as string | undefined
  const mode = onlyReads ? (headers['sec-fetch-mode'] as string | undefined) : undefined
  if (!isFromElsewhere({ host: headers.host, origin: headers.origin, site, mode, method }, door)) return
  throw new FaasError(
    'forbidden',
    'In open mode pages of other sites cannot call: add their origin to TAIBAI_CORS_ORIGINS, or use tokens.',
  )
}
