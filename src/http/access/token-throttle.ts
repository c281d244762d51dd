import type { IncomingMessage } from 'node:http'
import { type ErrorCode, FaasError, LimitReached } from '../../domain/errors.ts'
import { TokenBuckets } from '../../domain/rate.ts'
import type { HttpSettings } from '../settings.ts'
import { callerAddress } from './caller-address.ts'

/**
 * Throttles addresses that repeatedly send wrong tokens or guess webhooks. Valid tokens from the same address still work: many
 * callers may share one address.
 */
export class TokenThrottle {
  #perMinute: number
  #trustProxy: boolean
  #elapsed: () => number
  #buckets = new TokenBuckets()

  constructor(
    { wrongTokensPerMinute, trustProxy }: Pick<HttpSettings, 'wrongTokensPerMinute' | 'trustProxy'>,
    elapsed: () => number,
  ) {
    this.#perMinute = wrongTokensPerMinute
    this.#trustProxy = trustProxy
    this.#elapsed = elapsed
  }

  /** The error that the caller gets instead of this one. `wrong`: the error code that counts. */
  counted(error: unknown, incoming: IncomingMessage, wrong: ErrorCode = 'unauthenticated'): unknown {
    if (!(error instanceof FaasError) || error.code !== wrong) return error
    const address = callerAddress(incoming, this.#trustProxy) ?? ''
    const rate = { perSecond: this.#perMinute / 60, burst: this.#perMinute }
    const waitMs = this.#buckets.take(address, rate, this.#elapsed())
    if (waitMs === 0) return error
    return new LimitReached(
      { name: 'wrong_tokens', of: 'address', value: this.#perMinute, used: null },
      `More than ${this.#perMinute} requests a minute came without a valid token from this address; try again later.`,
      waitMs / 1000,
    )
  }
}
