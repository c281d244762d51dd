import { closeSync, constants, fstatSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { OutputMarker } from '../sandbox.ts'

/** O_PATH names a file without opening it, so the pipe still closes when the container ends. */
const pathOnly = 0o10000000

const descriptors = { stdout: 1, stderr: 2 } as const

/**
 * Opens the pipes through which the engine reads a container's output. Null: its first process runs on another machine, may not
 * be inspected (that takes root), or prints elsewhere.
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
    // With an engine on another machine, this pid may be any process of ours.
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

/** Does not block: a full pipe takes no mark. */
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
