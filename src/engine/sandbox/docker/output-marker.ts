import { closeSync, constants, fstatSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { OutputMarker } from '../sandbox.ts'

/** Names a file and holds nothing of it open: its pipe ends when the container does. */
const pathOnly = 0o10000000

const descriptors = { stdout: 1, stderr: 2 } as const

/**
 * Writes into the pipes by which the engine hears what a container prints. Null: its first process is not of this machine, may
 * not be looked at (that takes root), or prints elsewhere.
 */
export function openOutputMarker(pid: number, container: string): OutputMarker | null {
  const pipes: Partial<Record<keyof typeof descriptors, number>> = {}
  const close = () => {
    for (const stream of ['stdout', 'stderr'] as const) {
      const pipe = pipes[stream]
      delete pipes[stream]
      if (pipe !== undefined) closeSync(pipe)
    }
  }
  try {
    // The process with this number on our machine may be any, when the engine is on another one.
    if (!(pid > 0) || !readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(container)) return null
    for (const [stream, descriptor] of Object.entries(descriptors) as [keyof typeof descriptors, number][]) {
      const pipe = openSync(`/proc/${pid}/fd/${descriptor}`, constants.O_RDONLY | pathOnly)
      pipes[stream] = pipe
      if (!fstatSync(pipe).isFIFO()) throw new Error('It prints into a file.')
    }
  } catch {
    close()
    return null
  }
  return { put: (stream, text) => writeTo(pipes[stream], text), close }
}

/** Does not wait: a full pipe takes no mark. */
function writeTo(pipe: number | undefined, text: string): boolean {
  if (pipe === undefined) return false
  let end: number | undefined
  try {
    end = openSync(`/proc/self/fd/${pipe}`, constants.O_WRONLY | constants.O_NONBLOCK)
    return writeSync(end, text) > 0
  } catch {
    return false
  } finally {
    if (end !== undefined) closeSync(end)
  }
}
