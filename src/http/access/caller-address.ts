import type { IncomingMessage } from 'node:http'

const longestAddress = 64

/** The caller's IP address: the last one that a trusted proxy added. Null: the connection is gone. */
export function callerAddress({ headers, socket }: IncomingMessage, trustProxy: boolean): string | null {
  const forwarded = trustProxy ? (headers['x-forwarded-for'] as string | undefined) : undefined
  return forwarded?.split(',').at(-1)?.trim().slice(0, longestAddress) || (socket?.remoteAddress ?? null)
}
