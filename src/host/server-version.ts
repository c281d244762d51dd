import { createHash } from 'node:crypto'
import { releaseIdentity } from '../assets.ts'

/** Identifies the program and engine of a server, to tell whether a running one is outdated. */
export const serverVersion = (engine: string): string =>
  createHash('sha256').update(`${engine}\n${releaseIdentity()}`).digest('hex')
