import type { IncomingMessage } from 'node:http'

const longestAddress = 64

/** From where a request comes: the last address that a proxy named, where one is trusted. Null: its connection is gone. */
export function callerAddress({ headers, socket }: IncomingMessage, trustProxy: boolean): string | null {
  const forwarded = trustProxy ? (headers['x-forwarded-for'] as string | undefined) : undefined
  return forwarded?.split(',').at(-1)?.trim().slice(0, longestAddress) || (socket?.remoteAddress ?? null)
}
