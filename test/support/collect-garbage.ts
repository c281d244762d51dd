import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** A whole collection, so that a measured size has only what is still held. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  setFlagsFromString('--no-expose-gc')
}

/** Memory of buffers that are still held, in bytes. */
export function bytesOfBuffers(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}
