import type { IncomingMessage } from 'node:http'
import { FaasError } from '../../domain/errors.ts'
import { apiHostName } from '../../domain/platform/api-access.ts'
import type { HttpSettings } from '../settings.ts'
import { type AllowedOrigins, hostName, isCrossSite, isOurHost } from './same-site.ts'

/** The checks of a request in open mode, where no token is required. */

export function allowedOriginsOf({ host, publicUrl, corsOrigins }: HttpSettings): AllowedOrigins {
  const names = [hostName(host), apiHostName, publicUrl === undefined ? null : hostName(new URL(publicUrl).host)]
  return { hosts: names.filter((name) => name !== null), origins: corsOrigins }
}

/** Throws FaasError `forbidden` for a host that is not ours. */
export function refuseUnknownHost(incoming: IncomingMessage, allowed: AllowedOrigins): void {
  if (isOurHost(incoming.headers.host, allowed)) return
  throw new FaasError(
    'forbidden',
    `In open mode the server can only be called by its address, not by the Host ${JSON.stringify(incoming.headers.host)}: ` +
      'use that, or name the host in TAIBAI_PUBLIC_URL.',
  )
}

/**
 * Throws FaasError `forbidden` for requests that a browser marks as cross-site; `onlyReads`: links from other sites are allowed.
 */
export function refuseCrossSite(
  { headers, method = '' }: IncomingMessage,
  allowed: AllowedOrigins,
  onlyReads: boolean,
): void {
  const site = headers['sec-fetch-site'] as string | undefined
  const mode = onlyReads ? (headers['sec-fetch-mode'] as string | undefined) : undefined
  if (!isCrossSite({ host: headers.host, origin: headers.origin, site, mode, method }, allowed)) return
  throw new FaasError(
    'forbidden',
    'In open mode pages of other sites cannot call: add their origin to TAIBAI_CORS_ORIGINS, or use tokens.',
  )
}
