import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../domain/clock.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { AccessKeys } from '../../services/platform/access-keys.ts'
import { tokenOf } from '../access/token-header.ts'
import type { HttpParts } from '../server.ts'
import { AwsError } from './aws-error.ts'
import { type Authorization, checkSignature, readAuthorization } from './signature-v4.ts'

/** Region of requests that name none: the default of most clients. */
const usualRegion = 'us-east-1'

export interface AwsCallerParts extends Pick<HttpParts, 'authenticate' | 'settings'> {
  clock: Pick<Clock, 'now'>
  accessKeys: AccessKeys
}

export interface KnownCaller {
  who: Principal
  region: string
  /** Throws AwsError unless the caller signed the request. */
  prove(request: Parameters<typeof checkSignature>[0]): void
}

/** Identifies the caller by a signature or by one of our tokens; open mode needs neither. */
export async function callerOf(parts: AwsCallerParts, incoming: IncomingMessage, query: string): Promise<KnownCaller> {
  const { authorization = '' } = incoming.headers
  const isSigned =
    authorization !== '' && !/^Bearer /i.test(authorization) && incoming.headers['x-auth-token'] === undefined
  if (parts.settings.isOpen)
    return open(await parts.authenticate(null), isSigned ? regionIn(authorization) : usualRegion)
  if (isSigned) return signer(parts, readAuthorization(authorization))
  const token = tokenOf(incoming)
  if (token === null) throw unsigned(query)
  return open(await parts.authenticate(token), usualRegion)
}

function open(who: Principal | null, region: string): KnownCaller {
  if (who === null) throw new AwsError(403, 'UnrecognizedClientException', 'The token is not valid, or has expired.')
  return { who, region, prove() {} }
}

/** In open mode the signature is not checked; an unreadable one yields the default. */
function regionIn(authorization: string): string {
  return /Credential=[^/]+\/\d+\/([\w-]+)\//.exec(authorization)?.[1] ?? usualRegion
}

function signer({ accessKeys, clock }: AwsCallerParts, by: Authorization): KnownCaller {
  const known = accessKeys.signer(by.keyId)
  if (known === null) {
    throw new AwsError(
      403,
      'UnrecognizedClientException',
      'The security token included in the request is invalid: there is no such access key.',
    )
  }
  const { who, secret } = known
  return { who, region: by.region, prove: (request) => checkSignature(request, by, secret, clock.now()) }
}

function unsigned(query: string): AwsError {
  if (/(?:^|&)X-Amz-Signature=/i.test(query)) {
    return new AwsError(
      403,
      'InvalidSignatureException',
      'Signatures in the query are not supported: sign in the Authorization header.',
    )
  }
  return new AwsError(
    403,
    'MissingAuthenticationTokenException',
    'Missing Authentication Token: sign with an access key, or send a token.',
  )
}
