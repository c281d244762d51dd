import { createHash } from 'node:crypto'
import { releaseIdentity } from '../assets.ts'

/** Tells whether a running server is still the one that would be started now: its program and its engine. */
export const serverVersion = (engine: string): string =>
  createHash('sha256').update(`${engine}\n${releaseIdentity()}`).digest('hex')
